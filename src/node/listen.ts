import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import { createServer, type Server } from "node:net";

/** Where a server listens. */
export interface ListenAddress {
  host: string;
  port: number;
  /**
   * Whether further processes may listen there, too (SO_REUSEPORT): the system divides the clients among them.
   * All of them must ask for it.
   */
  shared?: boolean;
}

/** Whether this system lets processes share a port in that way. */
const CAN_SHARE = ["linux", "freebsd", "dragonfly", "sunos", "aix"].includes(process.platform);

/**
 * Starts to listen, and waits until the server listens.
 *
 * @param refuse Creates the error if the address cannot be bound.
 */
export async function listen(
  server: Server,
  { host, port, shared = false }: ListenAddress,
  refuse: (cause: unknown) => Error,
): Promise<void> {
  try {
    const listening = once(server, "listening");
    server.listen({ host, port, reusePort: shared });
    await listening;
  } catch (cause) {
    throw refuse(cause);
  }
}

/**
 * The same, so that a process which takes this one's place can listen beside it. A port that another process has is
 * refused as ever, unless this process takes that one's place.
 *
 * @param joins Whether another process listens there, and is about to leave.
 */
export async function listenToHandOver(
  server: Server,
  at: ListenAddress,
  joins: boolean,
  refuse: (cause: unknown) => Error,
): Promise<void> {
  if (!CAN_SHARE) {
    await listen(server, at, refuse);
    return;
  }
  // The system refuses a port that is taken only to a socket that does not share; port 0 is never one that is taken.
  if (!joins && at.port !== 0) {
    const probe = createServer();
    await listen(probe, at, refuse);
    const closed = once(probe, "close");
    probe.close();
    await closed;
  }
  await listen(server, { ...at, shared: true }, refuse);
}

/** Listens at a socket that another process has opened, and passed on: systemd, for example. */
export async function listenAt(
  server: Server,
  fd: number,
  refuse: (cause: unknown) => Error,
): Promise<void> {
  try {
    const listening = once(server, "listening");
    server.listen({ fd });
    await listening;
  } catch (cause) {
    throw refuse(cause);
  }
}

/** Ends an HTTP server and its connections at once, and waits until both are closed; without effect if it never listened. */
export async function unlisten(server: HttpServer): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
