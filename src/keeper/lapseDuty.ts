import type { Address } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { contractError } from "../chain/transactions/revert.ts";
import type { Moment } from "../chain/views/contracts.ts";
import { LAPSE_EPOCHS } from "../chain/views/lapse.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import type { Chore, KeeperDuty, Offer } from "./duty.ts";
import type { KeeperStore } from "./store.ts";

/** Number of auditors checked in one round. */
const LIMIT = 32;

export interface LapseDependencies {
  client: ChainClient;
  deployment: Deployment;
  store: KeeperStore;
}

/** Lapses auditors that revealed nothing for too long, because they would starve quorums. Unprofitable. */
export class LapseDuty implements KeeperDuty {
  readonly name = "lapse";
  readonly #keeper: Address;
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #store: KeeperStore;

  constructor(options: { keeper: Address }, dependencies: LapseDependencies) {
    this.#keeper = options.keeper;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#store = dependencies.store;
  }

  async run({ epoch: current }: Moment, offer: Offer): Promise<void> {
    const store = this.#store;
    // An epoch counts as missed two epochs later, when its time to reveal is over.
    const silent = store.silentAuditors(current - LAPSE_EPOCHS - 3, current, LIMIT);
    const chores: Chore[] = [];
    for (const auditor of silent) {
      const chore = await this.#chore(auditor, current);
      if (chore !== undefined) chores.push(chore);
    }
    if (chores.length > 0) await offer(chores);
    for (const { about } of chores) store.postponeAuditor(about.auditor as Address, current + 1);
  }

  async #chore(auditor: Address, current: number): Promise<Chore | undefined> {
    const client = this.#client;
    const deployment = this.#deployment;
    const store = this.#store;
    const call = {
      address: deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "lapse",
      args: [auditor],
    } as const;
    try {
      await client.simulateContract({ ...call, account: this.#keeper });
      return { duty: this.name, call, reward: 0n, about: { auditor } };
    } catch (error) {
      const revert = contractError(error);
      if (revert === undefined || revert.isBare) throw error;
      if (revert.name === "PosNotLapsable") {
        // Epochs without a timely seed do not count, so at least this number must still pass.
        const missing = LAPSE_EPOCHS + 1 - Number(revert.args[2]);
        store.postponeAuditor(auditor, current + Math.max(1, missing));
      } else {
        store.dropAuditor(auditor);
      }
      return undefined;
    }
  }
}
