import type { Logger } from "../../../node/logger.ts";
import type { Timers } from "../../../node/timers.ts";
import type { Authorizations, AuthorizationState } from "./authorizations.ts";
import type { ExactPayment, Facilitator } from "./facilitator.ts";

/** How long a request waits for its settlement, milliseconds; after that its client asks again. */
const WAIT_MS = 25_000;
/** Between two looks at the chain, milliseconds. */
const LOOK_MS = 500;

/** The end of a settlement, as far as it is known. */
export type SettlementState =
  | AuthorizationState
  /** Nothing was sent, and no other party has the authorization. */
  | { readonly state: "unsent"; readonly reason: string };

/**
 * Settles payments, each by one attempt at a time. The facilitator's answer only says when to look and where: the
 * provider's own RPC endpoint says whether the transfer took place.
 */
export class Settler {
  readonly #facilitator: Facilitator;
  readonly #books: Pick<Authorizations, "look" | "proves">;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #running = new Map<string, Promise<SettlementState>>();

  constructor(
    facilitator: Facilitator,
    dependencies: {
      books: Pick<Authorizations, "look" | "proves">;
      timers: Timers;
      log: Logger;
    },
  ) {
    this.#facilitator = facilitator;
    this.#books = dependencies.books;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  /**
   * Settles a payment, or waits for the attempt that runs.
   *
   * @param name Identifies the payment.
   * @returns `open` while it is not known.
   */
  async settle(name: string, payment: ExactPayment): Promise<SettlementState> {
    let running = this.#running.get(name);
    if (running === undefined) {
      running = this.#attempt(payment).finally(() => this.#running.delete(name));
      this.#running.set(name, running);
    }
    const over = new AbortController();
    const late = this.#timers.sleep(WAIT_MS, over.signal).then((): SettlementState => open);
    try {
      return await Promise.race([running, late]);
    } finally {
      over.abort();
      late.catch(() => {});
    }
  }

  async #attempt(payment: ExactPayment): Promise<SettlementState> {
    const started = this.#timers.monotonic();
    const { nonce } = payment.payload.authorization;
    const transfer = { asset: payment.asset, authorization: payment.payload.authorization };
    let unsent: string | undefined;
    try {
      const said = await this.#facilitator.settle(payment);
      if ("transaction" in said && (await this.#books.proves(said.transaction, transfer))) {
        return { state: "used", transaction: said.transaction };
      }
      if ("unsent" in said) unsent = said.unsent;
      if ("failed" in said) {
        this.#log.warn("the facilitator says that a settlement failed", {
          nonce,
          reason: said.failed,
        });
      }
    } catch (error) {
      this.#log.warn("the facilitator did not settle", { nonce, error });
    }
    // It may have settled whatever it says, or settle later.
    for (;;) {
      const found = await this.#look(transfer);
      if (found.state !== "open") return found;
      if (unsent !== undefined) return { state: "unsent", reason: unsent };
      if (this.#timers.monotonic() - started >= WAIT_MS) return found;
      await this.#timers.sleep(LOOK_MS, never);
    }
  }

  async #look(transfer: Parameters<Authorizations["look"]>[0]): Promise<AuthorizationState> {
    try {
      return await this.#books.look(transfer);
    } catch (error) {
      this.#log.warn("the chain does not show a payment now", { error });
      return open;
    }
  }
}

const open: AuthorizationState = { state: "open" };
const never = new AbortController().signal;
