import type { Scheduler } from "../../node/scheduler.ts";

/** Acts again and again while it is needed. */
export class Ticker {
  readonly #clock: Scheduler;
  readonly #everyMs: number;
  readonly #act: () => void;
  #cancel: (() => void) | undefined;

  constructor(clock: Scheduler, everyMs: number, act: () => void) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#act = act;
  }

  /** Acts once after the pause, unless that is planned already. */
  plan(): void {
    this.#cancel ??= this.#clock.after(this.#everyMs, () => {
      this.#cancel = undefined;
      this.#act();
    });
  }

  stop(): void {
    this.#cancel?.();
  }
}
