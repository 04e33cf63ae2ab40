import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { Server } from "node:net";

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

/** Ends an HTTP server and its connections at once, and waits until both are closed; without effect if it never listened. */
export async function unlisten(server: HttpServer): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
