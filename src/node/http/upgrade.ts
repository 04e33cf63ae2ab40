import { ServerResponse, STATUS_CODES, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/**
 * Detects that a client closes its half before the protocol is switched. HTTP no longer reads the connection,
 * and early bytes belong to the other protocol, so they are not consumed.
 *
 * @returns A function that stops the detection.
 */
export function onEarlyEnd(client: Socket, ended: () => void): () => void {
  const look = () => {
    // An empty stream notices its end only on a read.
    if (client.readableLength === 0) client.read(0);
  };
  client.on("readable", look);
  client.once("end", ended);
  return () => {
    client.off("readable", look);
    client.off("end", ended);
  };
}

/** Responds to an upgrade. After this the connection speaks another protocol. */
export function writeSwitchingProtocols(
  client: Socket,
  answer: Pick<IncomingMessage, "statusMessage"> & { headers: { upgrade?: string | undefined } },
  headers: readonly string[],
): void {
  const lines = [`HTTP/1.1 101 ${answer.statusMessage ?? STATUS_CODES[101]}`];
  lines.push("Connection: Upgrade", `Upgrade: ${answer.headers.upgrade ?? "websocket"}`);
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  client.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/**
 * The response to a request for an upgrade. Node hands over a bare connection; a refusal is still an ordinary response.
 *
 * @param head Bytes that came behind the request's head.
 */
export function responseToUpgrade(
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): ServerResponse {
  if (head.length > 0) socket.unshift(head);
  const response = new ServerResponse(request);
  response.assignSocket(socket);
  response.shouldKeepAlive = false;
  response.once("finish", () => {
    socket.destroySoon();
  });
  return response;
}
