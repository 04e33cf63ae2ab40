import { once } from "node:events";
import type { Server } from "node:net";

/** Connections that may wait: all links of a process may break at once. */
const BACKLOG = 4_096;

/** Listens at a Unix socket, and waits until the server listens. */
export async function listen(server: Server, file: string): Promise<void> {
  const listening = once(server, "listening");
  server.listen({ path: file, backlog: BACKLOG });
  await listening;
}

/** Stops to listen; without effect if the server does not. Its connections must be closed already. */
export async function unlisten(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  await closed;
}
