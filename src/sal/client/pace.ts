import type { Scheduler } from "../../node/scheduler.ts";

/** Tries that may follow each other at once, and how long it takes until one more may, milliseconds. */
const BURST = 20;
const PERIOD_MS = 2_000;
/** What a try costs that found the service, in place of a period, milliseconds: it went to the service's own place. */
const FOUND_MS = 200;

/**
 * Bounds how often a session looks for another link. The pauses between tries do not: a service can end them by a newer
 * record or an announcement, and begin a search by closing each link that was found. A record names up to 16 places
 * anywhere, so without a bound a service could make its clients flood them.
 */
export class Pace {
  readonly #clock: Scheduler;
  /** When all tries are there again, monotonic milliseconds. */
  #fullAt = -Infinity;

  constructor(clock: Scheduler) {
    this.#clock = clock;
  }

  /** A try found the service. */
  found(): void {
    this.#fullAt -= PERIOD_MS - FOUND_MS;
  }

  /** Takes a try; returns how long it must wait, milliseconds. */
  take(): number {
    const now = this.#clock.monotonic();
    // A wait that was ended before its time leaves no debt: no try waits for longer than a period.
    const most = now + (BURST + 1) * PERIOD_MS;
    this.#fullAt = Math.min(Math.max(this.#fullAt, now) + PERIOD_MS, most);
    return Math.max(0, this.#fullAt - now - BURST * PERIOD_MS);
  }
}
