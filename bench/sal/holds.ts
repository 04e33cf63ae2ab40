import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { ClientSession } from "../../src/sal/client/clientSession.ts";
import { SalClient } from "../../src/sal/client/salClient.ts";
import { closed, securedTls } from "./connects.ts";
import { clientDependencies, ECHO_PORT, fixedLocator, locatedAt } from "./service.ts";

/** Opened and idle: flows of one session, sessions without flows, or connections of bare TLS. */
export interface Hold {
  kind: "flows" | "sessions" | "tls";
  port: number;
  /** How many there are afterwards. */
  count: number;
}

/** Handshakes at a time. */
const AT_ONCE = 32;

let client: SalClient | undefined;
const held: { flows: unknown[]; sessions: ClientSession[]; tls: TLSSocket[] } = {
  ...{ flows: [], sessions: [], tls: [] },
};

/** Opens as many as are missing. */
export async function hold({ kind, port, count }: Hold): Promise<void> {
  client ??= new SalClient({}, clientDependencies(fixedLocator(locatedAt([port]))));
  while (held[kind].length < count) {
    const missing = Math.min(AT_ONCE, count - held[kind].length);
    const next = Array.from({ length: missing }, () => open(kind, port));
    held[kind].push(...((await Promise.all(next)) as never[]));
  }
}

/** Closes all of a kind. */
export async function release(kind: Hold["kind"]): Promise<void> {
  client?.close();
  client = undefined;
  for (const session of held.sessions) session.close();
  const closed = held.tls.map((socket) => once(socket.destroy(), "close"));
  held[kind].length = 0;
  await Promise.all(closed);
}

async function open(kind: Hold["kind"], port: number): Promise<unknown> {
  if (kind === "tls") return securedTls(port);
  if (kind === "flows") return (await client?.connect("bench", ECHO_PORT))?.on("error", closed);
  const located = locatedAt([port]);
  const session = new ClientSession(located, undefined, clientDependencies(fixedLocator(located)));
  await session.start(new AbortController().signal);
  return session;
}
