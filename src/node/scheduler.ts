/** A clock and one-shot timers, injected so that tests can control time. */
export interface Scheduler {
  /** Monotonic milliseconds, unrelated to wall time. */
  monotonic(): number;
  /** Calls back once after a time; the returned function cancels that. */
  after(milliseconds: number, act: () => void): () => void;
}

/** The process's own clock. Its timers do not keep the process alive: an open connection does. */
export const systemScheduler: Scheduler = {
  monotonic: () => performance.now(),
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/**
 * Runs a function with a signal that aborts when the time is over, or when the caller's signal does.
 *
 * @param late Creates the signal's reason for when the time is over.
 * @throws What `run` throws.
 */
export async function withSignal<T>(
  limit: { milliseconds: number; clock: Scheduler; signal?: AbortSignal },
  late: () => Error,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const cancel = limit.clock.after(limit.milliseconds, () => {
    over.abort(late());
  });
  const { signal } = limit;
  try {
    return await run(signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]));
  } finally {
    cancel();
  }
}
