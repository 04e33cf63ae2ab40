import type { Socket } from "node:net";
import { GatewayProblem } from "./problem.ts";

/** CONNECT names a host for a tunnel, but this is not a forward proxy. */
export function refuseConnect(socket: Socket): void {
  const problem = new GatewayProblem("TARGET_REFUSED");
  const { body } = problem;
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nConnection: close\r\n`;
  socket.on("error", () => {});
  socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body.toString()}`);
  socket.destroySoon();
}
