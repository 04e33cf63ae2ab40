import type { Scheduler } from "../../node/scheduler.ts";
import type { Session } from "../session/session.ts";

/** How often a session without flows, whose provider stops, looks whether its last bytes have arrived, milliseconds. */
const CHECK_MS = 20;

/** Ends a session whose provider stops, once its last flow is over and the service has all of its bytes. */
export class Departure {
  readonly #session: Session;
  readonly #clock: Scheduler;
  readonly #close: () => void;
  #isBegun = false;
  #cancel = () => {};

  constructor(session: Session, clock: Scheduler, close: () => void) {
    this.#session = session;
    this.#clock = clock;
    this.#close = close;
  }

  /** Whether the provider takes no new flows. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  begin(): void {
    this.#isBegun = true;
    this.check();
  }

  /** A flow may be over. */
  check(): void {
    const session = this.#session;
    if (!this.#isBegun || session.end !== undefined || session.flows.size > 0) return;
    this.#cancel();
    this.#cancel = this.#clock.after(CHECK_MS, () => {
      if (session.hasUnacknowledged) this.check();
      else if (session.flows.size === 0) this.#close();
    });
  }

  stop(): void {
    this.#cancel();
  }
}
