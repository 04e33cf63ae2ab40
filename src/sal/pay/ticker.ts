import type { Scheduler } from "../../node/scheduler.ts";

/** How often time is charged, milliseconds. */
const EVERY_MS = 1_000;

/** Charges time again and again while that is needed. */
export class Ticker {
  readonly #clock: Scheduler;
  readonly #isNeeded: () => boolean;
  readonly #act: () => void;
  #cancel: (() => void) | undefined;

  constructor(clock: Scheduler, parts: { isNeeded: () => boolean; act: () => void }) {
    this.#clock = clock;
    this.#isNeeded = parts.isNeeded;
    this.#act = parts.act;
  }

  /** Acts once after the pause, unless that is planned already, or not needed. */
  plan(): void {
    if (!this.#isNeeded()) return;
    this.#cancel ??= this.#clock.after(EVERY_MS, () => {
      this.#cancel = undefined;
      this.#act();
    });
  }

  stop(): void {
    this.#cancel?.();
  }
}
