import type { CliIo } from "../framework/io.ts";
import { toggle } from "../framework/flag.ts";

/** Bounds of the interval between two reads, milliseconds; it is a quarter of an epoch within them. */
const PAUSE_MS = { least: 2_000, most: 60_000 };

/** `--watch`, for commands that show a state. */
export const watchFlag = toggle("--watch", "refresh until Ctrl-C");

/**
 * Shows a state once, or repeatedly until the signal is aborted.
 *
 * @param input.epochSeconds Length of an epoch, which determines the interval.
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
      // A terminal is redrawn; a file or a pipe gets one state after another.
      if (!first && isTerminal) io.stdout.write("\u001b[2J\u001b[H");
      else if (!first && !input.json) io.stdout.write("\n");
      await show();
      if (!input.watch) return;
      await io.timers.sleep(pause, signal);
    } catch (error) {
      // Ctrl-C is the normal end of a watch.
      if (input.watch && signal.aborted) return;
      throw error;
    }
  }
}
