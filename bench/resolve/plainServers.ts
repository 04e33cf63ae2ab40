import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { addressOf } from "./services.ts";
import { serve } from "./worker.ts";

/** Answers that are fetched from the front at the same time. */
const FETCHED_AT_A_TIME = 32;

/**
 * Plain servers with node:http and node:dgram: an upper bound for a server on Node on the same machine. Two give
 * the same response to every request; the third one holds as many HTTP answers as the front.
 */
serve({ http, held, dns });

/** Answers each request with the same body. Returns the port. */
async function http(body: string): Promise<number> {
  const bytes = Buffer.from(body);
  return serveBodies(() => bytes);
}

/** Answers each path with what the front at a port answers: what any server of these answers must do. Returns the port. */
async function held(front: { port: number; paths: readonly string[] }): Promise<number> {
  const bodies = new Map<string, Buffer>();
  for (let next = 0; next < front.paths.length; next += FETCHED_AT_A_TIME) {
    const some = front.paths.slice(next, next + FETCHED_AT_A_TIME);
    await Promise.all(
      some.map(async (path) => {
        const response = await fetch(`http://127.0.0.1:${front.port}${path}`);
        bodies.set(path, Buffer.from(await response.arrayBuffer()));
      }),
    );
  }
  return serveBodies((path) => bodies.get(path));
}

async function serveBodies(bodyOf: (path: string) => Buffer | undefined): Promise<number> {
  const server = createServer((request, response) => {
    const bytes = bodyOf(request.url ?? "");
    response.writeHead(bytes === undefined ? 404 : 200, {
      "content-type": "application/json",
      "content-length": bytes?.length ?? 0,
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
