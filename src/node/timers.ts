import { setTimeout as delay } from "node:timers/promises";

/** The timers of workers, injected so that tests can control time. */
export interface Timers {
  /** Monotonic milliseconds, unrelated to wall time. */
  monotonic(): number;
  /** Waits; rejects with the signal's reason if the signal is aborted first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** The longest delay of a timer of Node's, some 25 days. A longer one would end at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The process's own timers. */
export const systemTimers: Timers = {
  monotonic: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      let left = Math.max(0, milliseconds);
      do {
        const part = Math.min(left, LONGEST_MS);
        await delay(part, undefined, { signal });
        left -= part;
      } while (left > 0);
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
