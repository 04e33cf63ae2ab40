import type { Hex } from "viem";
import type { Timers } from "../../node/timers.ts";

interface Waiting {
  work: () => Promise<number>;
  settle: PromiseWithResolvers<number>;
}

/**
 * Runs stores in the background, with bounded concurrency and one at a time for each place. Of the stores
 * that arrive meanwhile for a place only the newest runs, because it replaces the others.
 */
export class StoreQueue {
  readonly #most: number;
  readonly #settleMs: number;
  readonly #timers: Timers;
  readonly #stopping = new AbortController();
  readonly #running = new Map<string, Promise<number>>();
  /** In the order in which places arrived. */
  readonly #waiting = new Map<string, Waiting>();

  /**
   * @param options.atOnce Concurrent stores.
   * @param options.settleMs How long a store waits for a newer one, so that the push goes first.
   */
  constructor(options: { atOnce: number; settleMs: number }, timers: Timers) {
    this.#most = options.atOnce;
    this.#settleMs = options.settleMs;
    this.#timers = timers;
  }

  /** @returns The result of the store that ran in the end: this one, or a newer one that replaced it. */
  add(place: Hex, work: () => Promise<number>): Promise<number> {
    const settle = this.#waiting.get(place)?.settle ?? Promise.withResolvers<number>();
    if (this.#stopping.signal.aborted) return Promise.resolve(0);
    this.#waiting.set(place, { work, settle });
    void this.#begin();
    return settle.promise;
  }

  /** Drops waiting stores, which return 0, and waits for running ones. */
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
      // The sleep is aborted only when the queue stops.
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
