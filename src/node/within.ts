import type { BlockcloudError } from "../protocol/errors.ts";
import type { Timers } from "./timers.ts";

/**
 * Runs a function with a time limit.
 *
 * @param run Receives a signal that aborts when the time is over, or when the caller's signal does.
 * @param late Creates the error for when the time is over; `run` is not awaited after that.
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
