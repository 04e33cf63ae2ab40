import type { Logger } from "../../../node/logger.ts";
import type { Offers } from "./offers.ts";
import type { PaymentStore } from "./store.ts";
import type { Asked, Refuser } from "./ticket.ts";

/** What every scheme of payment needs. */
export interface SchemeDependencies {
  store: PaymentStore;
  offers: Pick<Offers, "check">;
  refuser: Refuser;
  /** @throws GatewayProblem `PAYMENTS_EXCEEDED` if a peer makes too many payments that must be looked up on chain. */
  limitNew(asked: Asked): void;
  /** The chain's time, Unix seconds. */
  now(): number;
  log: Logger;
}
