import { once } from "node:events";
import type { Server } from "node:net";

/**
 * Lets a server listen, and waits until it does.
 *
 * @param refuse What to throw where the address cannot be had.
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
