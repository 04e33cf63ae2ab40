import type { ChainClient } from "../chain/client.ts";
import { cashierCalls } from "../chain/cashier/calls.ts";
import { Cashier } from "../chain/cashier/cashier.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Moment } from "../chain/views/contracts.ts";
import type { KeeperDuty, Offer } from "./duty.ts";

export interface FeesOptions {
  /** Fees that are forwarded, at least, BLOC in wei. */
  least: bigint;
}

/** Least fees that a keeper forwards: half of them, 5 BLOC, reach the auditors' budgets. */
export const LEAST_FEES = 10n * 10n ** 18n;

/**
 * Forwards the Cashier's fees: half is burned, half raises the auditors' budgets. Once an epoch at most, and
 * unprofitable, because the caller gets nothing.
 */
export class FeesDuty implements KeeperDuty {
  readonly name = "fees";
  readonly #options: FeesOptions;
  readonly #deployment: Deployment;
  readonly #cashier: Cashier;
  #lookedIn = -1;

  constructor(options: FeesOptions, dependencies: { client: ChainClient; deployment: Deployment }) {
    this.#options = options;
    this.#deployment = dependencies.deployment;
    this.#cashier = new Cashier(dependencies.client, dependencies.deployment);
  }

  async run({ epoch }: Moment, offer: Offer): Promise<void> {
    if (this.#lookedIn === epoch) return;
    const amount = await this.#cashier.fees();
    if (amount >= this.#options.least) {
      const call = cashierCalls(this.#deployment).forwardFees();
      await offer([{ duty: this.name, call, reward: 0n, about: { amount } }]);
    }
    this.#lookedIn = epoch;
  }
}
