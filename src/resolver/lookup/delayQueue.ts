import { raceSignal } from "race-signal";
import type { Timers } from "../../node/timers.ts";
import { busy, unreachable } from "../errors.ts";

interface Running<T> {
  result: Promise<T>;
  waiting: number;
  controller: AbortController;
}

/**
 * Work on demand, as the action DELAY means it. Concurrent callers with the same key share one work. The
 * number of running works, the number of waiting callers and the time are bounded.
 */
export class DelayQueue<T> {
  readonly #timers: Timers;
  readonly #limits: { works: number; waiting: number; timeMs: number };
  readonly #running = new Map<string, Running<T>>();
  #waiting = 0;

  constructor(limits: { works: number; waiting: number; timeMs: number }, timers: Timers) {
    this.#limits = limits;
    this.#timers = timers;
  }

  /** Number of waiting callers. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Waits for a work, and starts it unless it is already running. A work without waiting callers is
   * cancelled.
   *
   * @param signal Ends the wait of this caller only.
   * @throws BlockcloudError `RESOLVER_BUSY`, `RESOLVER_UNREACHABLE` if the work takes too long; the error of
   *   the work; the signal's reason.
   */
  async run(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    if (this.#waiting >= this.#limits.waiting) throw busy("lookups wait");
    const running = this.#running.get(key) ?? this.#begin(key, work);
    running.waiting += 1;
    this.#waiting += 1;
    try {
      return await raceSignal(running.result, signal);
    } finally {
      running.waiting -= 1;
      this.#waiting -= 1;
      if (running.waiting === 0) {
        if (this.#running.get(key) === running) this.#running.delete(key);
        running.controller.abort(unreachable("No caller waits for it any more."));
      }
    }
  }

  /** Cancels all works. */
  close(): void {
    for (const { controller } of this.#running.values()) {
      controller.abort(unreachable("The resolver stops."));
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Running<T> {
    if (this.#running.size >= this.#limits.works) throw busy("lookups run");
    const controller = new AbortController();
    const { signal } = controller;
    const ended = Promise.withResolvers<never>();
    signal.addEventListener(
      "abort",
      () => {
        ended.reject(signal.reason);
      },
      { once: true },
    );
    const result = Promise.race([work(signal), ended.promise]);
    const running = { result, waiting: 0, controller };
    this.#running.set(key, running);
    const settle = () => {
      if (this.#running.get(key) === running) this.#running.delete(key);
      controller.abort(unreachable("It is over."));
    };
    result.then(settle, settle);
    const { timeMs } = this.#limits;
    this.#timers.sleep(timeMs, signal).then(
      () => {
        controller.abort(unreachable(`Neither chain nor network answered in ${timeMs} ms.`));
      },
      // The timer was cancelled, because the work ended before.
      () => {},
    );
    return running;
  }
}
