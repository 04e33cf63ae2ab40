import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { addressOf } from "./services.ts";
import { serve } from "./worker.ts";

/**
 * Plain servers with node:http and node:dgram that give the same response to every request: an upper bound
 * for a server on Node on the same machine.
 */
serve({ http, dns });

/** Returns the port. */
async function http(body: string): Promise<number> {
  const bytes = Buffer.from(body);
  const server = createServer((_, response) => {
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": bytes.length,
    });
    response.end(bytes);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Answers each query with one A record. Returns the port. */
async function dns(): Promise<number> {
  const socket = createSocket("udp4");
  const octets = addressOf(1).split(".").map(Number);
  // A pointer to the question's name, type A, class IN, 60 s, 4 bytes.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...octets]);
  socket.on("message", (query, { port, address }) => {
    const answer = Buffer.concat([query, record]);
    answer[2] = 0x84 | ((query[2] ?? 0) & 1);
    answer[7] = 1;
    socket.send(answer, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address().port;
}
