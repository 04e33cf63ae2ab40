import type { Scheduler } from "../../node/scheduler.ts";

export interface HoldParts {
  clock: Scheduler;
  graceMs: number;
  /** Whether time that passes does not count: the client cannot answer, or its payment is being taken. */
  isExcused(): boolean;
  /** Looks whether there is room again. */
  check(): void;
  /** The grace is over. */
  over(): void;
}

/** How often a full window is looked at: payments may come on other ways than this session, milliseconds. */
const CHECK_MS = 250;

/** A time in which a session serves nothing, because its window is full; it ends by payment, or with the grace. */
export class Hold {
  readonly #parts: HoldParts;
  #leftMs: number;
  #checkedAt: number;
  #cancel = () => {};
  #isOver = false;

  constructor(parts: HoldParts) {
    this.#parts = parts;
    this.#leftMs = parts.graceMs;
    this.#checkedAt = parts.clock.monotonic();
    this.#plan();
  }

  end(): void {
    this.#isOver = true;
    this.#cancel();
  }

  #plan(): void {
    const { clock } = this.#parts;
    this.#cancel = clock.after(Math.min(CHECK_MS, this.#leftMs), () => {
      const now = clock.monotonic();
      if (!this.#parts.isExcused()) this.#leftMs -= now - this.#checkedAt;
      this.#checkedAt = now;
      this.#parts.check();
      if (this.#isOver) return;
      if (this.#leftMs > 0) this.#plan();
      else this.#parts.over();
    });
  }
}
