import type { ChainClient } from "../../chain/client.ts";
import type { Timers } from "../../node/timers.ts";
import type { Progress } from "./progress.ts";

/** Minimum interval between reads of the chain's time, milliseconds. */
const MAX_PAUSE_MS = 30_000;
const MIN_PAUSE_MS = 1_000;

/** The parts of a command's context that a wait needs. */
export interface Waiting {
  readonly client: Pick<ChainClient, "getBlock">;
  readonly timers: Timers;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Waits, with a countdown, until the chain's newest block is not before a moment.
 *
 * @param moment Unix seconds.
 * @param until The rest of the sentence `12 s ...`: `until the stake is free`.
 */
export async function untilChainTime(
  moment: number,
  until: string,
  { client, timers, progress, signal }: Waiting,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const left = await client.getBlock().then(
      ({ timestamp }) => moment - Number(timestamp),
      // A temporary failure of an endpoint must not end a wait of days.
      () => undefined,
    );
    if (left === undefined) {
      progress.update("the RPC endpoint does not answer, trying again");
      await timers.sleep(MAX_PAUSE_MS, signal);
      continue;
    }
    if (left <= 0) break;
    const asked = timers.monotonic();
    const pause = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, (left * 1000) / 2));
    // On a terminal the countdown continues between two reads; elsewhere it prints one line per read.
    do {
      const passed = (timers.monotonic() - asked) / 1000;
      progress.update(`${duration(Math.max(0, left - passed))} ${until}`);
      await timers.sleep(progress.live ? MIN_PAUSE_MS : pause, signal);
    } while (timers.monotonic() - asked < pause);
  }
  progress.clear();
}

/** Formats a duration: `13 d 4 h`, `2 h 5 min`, `40 s`. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ] as const;
  const first = units.findIndex(([, size]) => whole >= size);
  if (first === -1) return "0 s";
  let rest = whole;
  return units
    .slice(first, first + 2)
    .map(([name, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? "" : `${count} ${name}`;
    })
    .filter((part) => part !== "")
    .join(" ");
}
