import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { serve } from "../resolve/worker.ts";

serve({ bulk, idle, release });

const held: Socket[] = [];

/** Downloads a body of so many bytes over one connection; returns MiB a second. */
async function bulk({ port, bytes }: { port: number; bytes: number }): Promise<number> {
  const socket = connect({ port, host: "127.0.0.1" });
  await once(socket, "connect");
  const from = performance.now();
  socket.write(`GET /${bytes} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  let received = 0;
  for await (const part of socket) received += (part as Buffer).length;
  if (received < bytes) throw new Error(`${received} of ${bytes} bytes arrived.`);
  return bytes / 2 ** 20 / ((performance.now() - from) / 1000);
}

/** Opens connections, sends one request over each, and keeps them open. */
async function idle({ port, connections }: { port: number; connections: number }): Promise<void> {
  for (let n = 0; n < connections; n++) {
    const socket = connect({ port, host: "127.0.0.1" });
    held.push(socket);
    socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    await once(socket, "data");
  }
}

/** Closes the connections that `idle` has opened. */
async function release(): Promise<void> {
  const closed = held.map((socket) => once(socket.destroy(), "close"));
  held.length = 0;
  await Promise.all(closed);
}
