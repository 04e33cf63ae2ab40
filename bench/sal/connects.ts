import { once } from "node:events";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ClientSession } from "../../src/sal/client/clientSession.ts";
import { SalClient } from "../../src/sal/client/salClient.ts";
import { requestOf } from "./feed.ts";
import { clientDependencies, ECHO_PORT, FEED_PORT, fixedLocator, locatedAt } from "./service.ts";

/** Connections to one server, each new. */
export interface Connects {
  kind: "sal" | "tls";
  port: number;
  milliseconds: number;
  /** Handshakes at a time. */
  concurrency: number;
}

/** Completed handshakes a second. */
export async function handshakes(asked: Connects): Promise<number> {
  const { kind, port, milliseconds, concurrency } = asked;
  const once = kind === "sal" ? () => handshakeSal(port) : () => handshakeTls(port);
  const from = performance.now();
  let count = 0;
  const run = async () => {
    while (performance.now() - from < milliseconds) {
      await once();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, run));
  return count / ((performance.now() - from) / 1000);
}

/** Times of first bytes, one after the other: connecting, and one byte there and back. Milliseconds. */
export async function firstBytes(asked: { kind: "sal" | "tls"; port: number; times: number }) {
  const { kind, port, times } = asked;
  const figures: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const from = performance.now();
    if (kind === "tls") {
      const socket = await securedTls(port);
      await oneByte(socket);
      figures.push(performance.now() - from);
      socket.destroy();
    } else {
      const client = clientOf(port);
      const flow = await client.connect("bench", ECHO_PORT);
      flow.on("error", closed);
      await oneByte(flow);
      figures.push(performance.now() - from);
      client.close();
    }
  }
  return figures;
}

/** Times until a further flow of a session is open, and of one byte over a TLS connection that is open. */
export async function furtherFlows(asked: {
  sal: number;
  tls: number;
  times: number;
  /** Whether another flow of the session, and of TLS another connection, takes all it can get. */
  isLoaded: boolean;
}): Promise<{ sal: number[]; tls: number[] }> {
  const { times, isLoaded } = asked;
  const client = clientOf(asked.sal);
  const idle = await client.connect("bench", ECHO_PORT);
  idle.on("error", closed);
  const socket = await securedTls(asked.tls);
  const bulk = isLoaded ? await client.connect("bench", FEED_PORT) : undefined;
  bulk?.write(requestOf(2 ** 47));
  if (bulk !== undefined) {
    bulk.on("error", closed);
    bulk.on("data", () => {});
    await once(bulk, "data");
  }
  const figures: { sal: number[]; tls: number[] } = { sal: [], tls: [] };
  for (let n = 0; n < times; n += 1) {
    let from = performance.now();
    const flow = await client.connect("bench", ECHO_PORT);
    figures.sal.push(performance.now() - from);
    flow.on("error", closed);
    flow.end();
    flow.resume();
    await once(flow, "end");
    from = performance.now();
    await oneByte(socket);
    figures.tls.push(performance.now() - from);
  }
  bulk?.destroy();
  idle.destroy();
  socket.destroy();
  client.close();
  return figures;
}

/** Flows that are open when their client is closed say so. A flow that fails before gives no figure. */
export function closed(): void {}

function clientOf(port: number): SalClient {
  return new SalClient({}, clientDependencies(fixedLocator(locatedAt([port]))));
}

async function handshakeSal(port: number): Promise<void> {
  const located = locatedAt([port]);
  const session = new ClientSession(located, undefined, clientDependencies(fixedLocator(located)));
  await session.start(new AbortController().signal);
  session.close();
}

async function handshakeTls(port: number): Promise<void> {
  const socket = await securedTls(port);
  socket.destroy();
}

/** An open connection of bare TLS 1.3. */
export async function securedTls(port: number): Promise<TLSSocket> {
  const options = { host: "127.0.0.1", port, rejectUnauthorized: false } as const;
  const socket = connectTls({ ...options, minVersion: "TLSv1.3" });
  await once(socket, "secureConnect");
  socket.setNoDelay(true);
  return socket;
}

async function oneByte(stream: Duplex): Promise<void> {
  const answered = once(stream, "data");
  stream.write("x");
  await answered;
}
