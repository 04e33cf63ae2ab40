import type { Scheduler } from "../node/scheduler.ts";

/** Bytes that may be carried at once after a pause, in seconds of the rate. */
const BURST_SECONDS = 0.25;

/** How many bytes a second may be carried: those above it wait. Bytes that have come are carried in any case. */
export class ByteRate {
  readonly #perMs: number;
  readonly #clock: Pick<Scheduler, "monotonic">;
  #left: number;
  #at: number;

  /** @param perSecond 0: no limit. */
  constructor(perSecond: number, clock: Pick<Scheduler, "monotonic">) {
    this.#perMs = perSecond / 1000;
    this.#clock = clock;
    this.#left = perSecond * BURST_SECONDS;
    this.#at = clock.monotonic();
  }

  /** @returns How long their sender has to wait now, milliseconds; 0: not at all. */
  carry(bytes: number): number {
    if (this.#perMs === 0) return 0;
    this.#left -= bytes;
    return this.debtMs;
  }

  /** How long what was carried is above the rate. */
  get debtMs(): number {
    if (this.#perMs === 0) return 0;
    const now = this.#clock.monotonic();
    const most = this.#perMs * 1000 * BURST_SECONDS;
    this.#left = Math.min(most, this.#left + (now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#left >= 0 ? 0 : -this.#left / this.#perMs;
  }
}
