import type { BlockcloudError } from "../protocol/errors.ts";
import type { Timers } from "./timers.ts";

/**
 * Runs something for so long at most.
 *
 * @param run Gets a signal that aborts when time is over, or when the caller's does.
 * @param late What to throw when time is over; nobody waits for `run` from then on.
 * @throws What `run` throws, `late()`, or the caller's signal's reason.
 */
export async function within<T>(
  limit: { milliseconds: number; timers: Timers; signal?: AbortSignal | undefined },
  run: (signal: AbortSignal) => Promise<T>,
  late: () => BlockcloudError,
): Promise<T> {
  const over = new AbortController();
  const signal =
    limit.signal === undefined ? over.signal : AbortSignal.any([over.signal, limit.signal]);
  const timeout = limit.timers.sleep(limit.milliseconds, signal).then(() => {
    throw late();
  });
  try {
    return await Promise.race([run(signal), timeout]);
  } finally {
    over.abort();
  }
}
