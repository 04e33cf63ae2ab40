import type { Timers } from "../node/timers.ts";
import { unlessAborted } from "../node/unlessAborted.ts";
import { busy, unreachable } from "./errors.ts";

interface Running<T> {
  result: Promise<T>;
  waiting: number;
  controller: AbortController;
}

/**
 * Work on demand, once for all who want the same: what DELAY means. Bounded in the works that run, in those
 * that wait for them, and in time.
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

  /** Look-ups that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Waits for a work, which begins now unless it runs already. When nobody waits any more it is called off.
   *
   * @param signal The caller's own: ends its waiting, and nobody else's.
   * @throws BlockcloudError `RESOLVER_BUSY`, `RESOLVER_UNREACHABLE` when it takes too long; what the work
   *   throws; the signal's reason.
   */
  async run(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    if (this.#waiting >= this.#limits.waiting) throw busy("look-ups wait");
    const running = this.#running.get(key) ?? this.#begin(key, work);
    running.waiting += 1;
    this.#waiting += 1;
    try {
      return await unlessAborted(running.result, signal);
    } finally {
      running.waiting -= 1;
      this.#waiting -= 1;
      if (running.waiting === 0) {
        if (this.#running.get(key) === running) this.#running.delete(key);
        running.controller.abort(unreachable("Nobody waits for it any more."));
      }
    }
  }

  /** Ends all works. */
  close(): void {
    for (const { controller } of this.#running.values()) {
      controller.abort(unreachable("The resolver stops."));
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Running<T> {
    if (this.#running.size >= this.#limits.works) throw busy("look-ups run");
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
      // Called off: the work was done before.
      () => {},
    );
    return running;
  }
}
