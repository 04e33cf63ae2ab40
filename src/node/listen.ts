import { once } from "node:events";
import type { Server } from "node:net";

/**
 * Starts to listen, and waits until the server listens.
 *
 * @param refuse Creates the error if the address cannot be bound.
 */
export async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
  refuse: (cause: unknown) => Error,
): Promise<void> {
  try {
    const listening = once(server, "listening");
    server.listen({ host, port });
    await listening;
  } catch (cause) {
    throw refuse(cause);
  }
}
