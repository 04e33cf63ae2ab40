import type { CliIo } from "../framework/io.ts";
import { toggle } from "../framework/flag.ts";

/** How often what is watched is read again, milliseconds: a quarter of an epoch within bounds. */
const PAUSE_MS = { least: 2_000, most: 60_000 };

/** `--watch`, of the commands that show a state. */
export const watchFlag = toggle("--watch", "show it again and again until Ctrl-C");

/**
 * Shows something once, or again and again until the signal.
 *
 * @param input.epochSeconds Length of an epoch: what is shown changes at its pace.
 * @param show Reads and prints.
 */
export async function showOrWatch(
  input: { watch: boolean; epochSeconds: number; json: boolean },
  { io, signal }: { io: CliIo; signal: AbortSignal },
  show: () => Promise<void>,
): Promise<undefined> {
  const quarter = (input.epochSeconds * 1000) / 4;
  const pause = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, quarter));
  const isTerminal = "isTTY" in io.stdout && io.stdout.isTTY === true && !input.json;
  for (let first = true; ; first = false) {
    try {
      // A terminal is redrawn; a file or a pipe gets one after the other.
      if (!first && isTerminal) io.stdout.write("\u001b[2J\u001b[H");
      else if (!first && !input.json) io.stdout.write("\n");
      await show();
      if (!input.watch) return;
      await io.timers.sleep(pause, signal);
    } catch (error) {
      // Whoever watches ends it so.
      if (input.watch && signal.aborted) return;
      throw error;
    }
  }
}
