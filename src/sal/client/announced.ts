import type { Hex } from "viem";
import type { Logger } from "../../node/logger.ts";
import { withSignal, type Scheduler } from "../../node/scheduler.ts";
import { salError } from "../errors.ts";
import type { Located, Locator } from "./locator.ts";

/** How long the check of a record may take, milliseconds. */
const CHECK_MS = 30_000;

/** Records that a provider sends in its session: each is checked like any other record. */
export class Announced {
  readonly #serviceId: Hex;
  readonly #valid: (located: Located) => void;
  readonly #dependencies: { locator: Locator; log: Logger; clock: Scheduler };
  readonly #over = new AbortController();
  /** The newest record that waits. */
  #record: Hex | undefined;
  #isChecking = false;

  /** @param valid Takes what a valid record says. */
  constructor(
    serviceId: Hex,
    valid: (located: Located) => void,
    dependencies: { locator: Locator; log: Logger; clock: Scheduler },
  ) {
    this.#serviceId = serviceId;
    this.#valid = valid;
    this.#dependencies = dependencies;
  }

  /** Checks a record. One is checked at a time; of those that come meanwhile the last one counts. */
  take(record: Hex): void {
    this.#record = record;
    if (!this.#isChecking) void this.#check();
  }

  stop(): void {
    this.#over.abort(salError("closed", "The session is over."));
  }

  async #check(): Promise<void> {
    const { locator, log, clock } = this.#dependencies;
    this.#isChecking = true;
    for (let record = this.#record; record !== undefined; record = this.#record) {
      this.#record = undefined;
      const checked = record;
      try {
        const located = await withSignal(
          { milliseconds: CHECK_MS, clock, signal: this.#over.signal },
          () => salError("timeout", `No answer in ${CHECK_MS} ms.`),
          (signal) => locator.check(this.#serviceId, checked, signal),
        );
        this.#valid(located);
      } catch (error) {
        if (this.#over.signal.aborted) break;
        log.warn("the service announced a move with a record that is not valid", { error });
      }
    }
    this.#isChecking = false;
  }
}
