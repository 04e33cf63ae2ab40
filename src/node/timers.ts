import { setTimeout as delay } from "node:timers/promises";

/** The timers of workers, injected so that tests can control time. */
export interface Timers {
  /** Monotonic milliseconds, unrelated to wall time. */
  monotonic(): number;
  /** Waits; rejects with the signal's reason if the signal is aborted first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** The process's own timers. */
export const systemTimers: Timers = {
  monotonic: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await delay(Math.max(0, milliseconds), undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};

/** This machine's clock, Unix seconds: only for uses that a wrong clock cannot harm. */
export function wallSeconds(): number {
  return Date.now() / 1000;
}
