import { setImmediate as turn } from "node:timers/promises";
import type { Scheduler } from "../../../src/node/scheduler.ts";

interface Timer {
  at: number;
  act: () => void;
}

/** Steps after which a test that plays time waits for something that does not come. */
const MOST_STEPS = 400_000;

/** A clock that stands still until a test moves it. Timers of one moment act in the order in which they were set. */
export class FakeClock implements Scheduler {
  #now = 0;
  readonly #timers = new Set<Timer>();

  monotonic(): number {
    return this.#now;
  }

  after(milliseconds: number, act: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, milliseconds), act };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets time pass, with each timer at its moment, and everything that follows from it. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await turn();
    while (await this.#step(end));
    this.#now = end;
  }

  /** Lets time pass from timer to timer until a promise is settled, and gives what it gives. */
  async play<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled);
    return promise;
  }

  /** Lets time pass from timer to timer until a condition holds. */
  async until(holds: () => boolean): Promise<void> {
    await turn();
    for (let steps = 0; !holds(); steps++) {
      if (steps > MOST_STEPS) throw new Error(`waited in vain until ${String(holds)}`);
      if (!(await this.#step(Infinity))) await turn();
    }
  }

  /** The next timer up to a moment; false if there is none. */
  async #step(end: number): Promise<boolean> {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    if (next === undefined || next.at > end) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.act();
    await turn();
    return true;
  }
}
