import { setImmediate as turn } from "node:timers/promises";
import { numberToHex } from "viem";
import type { ChainTime, Head } from "../../src/chain/clock.ts";
import type { Timers } from "../../src/node/timers.ts";
import { epochStart, type EpochTiming } from "../../src/protocol/epoch.ts";

interface Sleeper {
  at: number;
  wake: () => void;
}

/** Timers that stand still until a test moves them. */
export class FakeTimers implements Timers {
  #now = 0;
  readonly #sleepers = new Set<Sleeper>();

  monotonic(): number {
    return this.#now;
  }

  /** As the process's own, whole milliseconds, at least one. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        const reason: unknown = signal.reason;
        this.#sleepers.delete(sleeper);
        reject(reason);
      };
      const sleeper = {
        at: this.#now + Math.max(1, Math.ceil(milliseconds)),
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal.removeEventListener("abort", abort);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** How many wait. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Time that work takes: it passes at once, and wakes no timer before the next turn. */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Lets time pass, waking each sleeper at its moment, and everyone do what they then do. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await turn();
    for (let next = this.#next(); next && next.at <= end; next = this.#next()) {
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await turn();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** Lets time pass from sleeper to sleeper until a promise is settled, and gives what it gives. */
  async play<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const end = () => {
      settled = true;
    };
    promise.then(end, end);
    await turn();
    while (!settled) {
      const next = this.#next();
      if (next !== undefined) {
        this.#now = Math.max(this.#now, next.at);
        next.wake();
      }
      await turn();
    }
    return promise;
  }

  #next(): Sleeper | undefined {
    return [...this.#sleepers].sort((a, b) => a.at - b.at)[0];
  }
}

/** A chain's time on fake timers, with a block every so many seconds. */
export class FakeTime implements ChainTime {
  readonly timing: EpochTiming;
  readonly timers: FakeTimers;
  readonly #start: number;
  /** Seconds between two blocks; block 0 stands at the genesis. */
  blockSeconds = 1;

  /** @param epoch The epoch at whose very start time begins. */
  constructor(timers: FakeTimers, timing: EpochTiming, epoch: number) {
    this.timers = timers;
    this.timing = timing;
    this.#start = epochStart(timing, epoch);
  }

  now(): number {
    return this.#start + this.timers.monotonic() / 1000;
  }

  head(): Head {
    const number = Math.floor((this.now() - this.timing.genesis) / this.blockSeconds);
    const timestamp = this.timing.genesis + number * this.blockSeconds;
    return { number: BigInt(number), hash: numberToHex(number, { size: 32 }), timestamp };
  }

  async until(seconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.now() < seconds) {
      await this.timers.sleep((seconds - this.now()) * 1000, signal);
    }
  }

  async reached(seconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.head().timestamp < seconds) {
      const next = this.head().timestamp + this.blockSeconds;
      await this.timers.sleep((next - this.now()) * 1000, signal);
    }
  }
}
