import { once } from "node:events";
import { connect } from "node:net";
import type { ExposeContext } from "./flags.ts";

/** Time for a connection within the host, milliseconds. */
const CONNECT_MS = 2_000;

/** Says so if no server listens at the port yet. The service starts nevertheless: the server may start later. */
export async function tellIfSilent({
  args: { port },
  progress,
  signal,
}: Pick<ExposeContext, "args" | "progress" | "signal">): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect", {
      signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]),
    });
  } catch {
    signal.throwIfAborted();
    progress.say(
      `no server answers at 127.0.0.1:${port} now: start it, or visitors get an error. The service starts all the same.`,
    );
  } finally {
    socket.destroy();
  }
}
