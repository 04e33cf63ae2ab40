import type { Address } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { readEach, contractsOf, type Moment } from "../chain/views/contracts.ts";
import type { Chore, KeeperDuty, Offer } from "./duty.ts";

/** An amount is collected if its gas costs at most this part of it. */
const WORTH = 10n;

/** Pays out the claimed pay of the auditors in the keeper's settings. */
export class CollectDuty implements KeeperDuty {
  readonly name = "collect";
  readonly #auditors: readonly Address[];
  readonly #client: { client: ChainClient; deployment: Deployment }["client"];
  readonly #deployment: { client: ChainClient; deployment: Deployment }["deployment"];
  #lookedIn = -1;

  constructor(
    options: { auditors: readonly Address[] },
    dependencies: { client: ChainClient; deployment: Deployment },
  ) {
    this.#auditors = options.auditors;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
  }

  async run({ epoch }: Moment, offer: Offer): Promise<void> {
    if (this.#lookedIn === epoch) return;
    const client = this.#client;
    const deployment = this.#deployment;
    const { proofOfService } = contractsOf(deployment);
    const chores = await readEach(this.#auditors, async (auditor): Promise<Chore> => {
      const args = [auditor] as const;
      const amount = await client.readContract({
        ...proofOfService,
        functionName: "earnedOf",
        args,
      });
      const call = { ...proofOfService, functionName: "collect", args };
      return { duty: this.name, call, reward: amount / WORTH, about: { auditor, amount } };
    });
    const due = chores.filter(({ reward }) => reward > 0n);
    if (due.length > 0) await offer(due);
    this.#lookedIn = epoch;
  }
}
