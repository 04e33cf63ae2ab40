import type { Hex } from "viem";
import type { Timers } from "../node/timers.ts";

interface Waiting {
  work: () => Promise<number>;
  settle: PromiseWithResolvers<number>;
}

/**
 * Stores in the background, a few at a time and one at a time for each place: of what comes meanwhile for
 * a place only the newest is stored, since it replaces the others anyway.
 */
export class StoreQueue {
  readonly #most: number;
  readonly #settleMs: number;
  readonly #timers: Timers;
  readonly #stopping = new AbortController();
  readonly #running = new Map<string, Promise<number>>();
  /** In the order in which places came. */
  readonly #waiting = new Map<string, Waiting>();

  /**
   * @param options.atOnce Stores under way at one time.
   * @param options.settleMs How long a store waits for a newer one: what is pushed goes first.
   */
  constructor(options: { atOnce: number; settleMs: number }, timers: Timers) {
    this.#most = options.atOnce;
    this.#settleMs = options.settleMs;
    this.#timers = timers;
  }

  /** @returns What the store gives that was made in the end: this one, or the newer that took its place. */
  add(place: Hex, work: () => Promise<number>): Promise<number> {
    const settle = this.#waiting.get(place)?.settle ?? Promise.withResolvers<number>();
    if (this.#stopping.signal.aborted) return Promise.resolve(0);
    this.#waiting.set(place, { work, settle });
    void this.#begin();
    return settle.promise;
  }

  /** Drops what waits, which then gives 0, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { settle } of this.#waiting.values()) settle.resolve(0);
    this.#waiting.clear();
    await Promise.allSettled(this.#running.values());
  }

  async #begin(): Promise<void> {
    try {
      await this.#timers.sleep(this.#settleMs, this.#stopping.signal);
      this.#next();
    } catch {
      // Only the end of the queue ends its sleep.
    }
  }

  #next(): void {
    for (const [place, { work, settle }] of this.#waiting) {
      if (this.#running.size >= this.#most) return;
      if (this.#running.has(place)) continue;
      this.#waiting.delete(place);
      const run = work().finally(() => {
        this.#running.delete(place);
        this.#next();
      });
      this.#running.set(place, run);
      settle.resolve(run);
    }
  }
}
