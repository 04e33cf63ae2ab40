import type { Address } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { simulate } from "../chain/transactions/simulate.ts";
import type { Moment } from "../chain/views/contracts.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import type { Chore, KeeperDuty, Offer } from "./duty.ts";
import type { KeeperStore } from "./store.ts";

/** Number of rounds checked in one round of the duty. */
const LIMIT = 64;
/** The last epoch after the audited one in which a round can be reported (`AuditRounds`). */
const REPORT_EPOCHS = 8;

export interface ReportDependencies {
  client: ChainClient;
  deployment: Deployment;
  store: KeeperStore;
}

/** Reports auditors that committed to a round and did not reveal it; half of the slash is the reward. */
export class ReportDuty implements KeeperDuty {
  readonly name = "report";
  readonly #keeper: Address;
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #store: KeeperStore;

  constructor(options: { keeper: Address }, dependencies: ReportDependencies) {
    this.#keeper = options.keeper;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#store = dependencies.store;
  }

  async run({ epoch: current }: Moment, offer: Offer): Promise<void> {
    const store = this.#store;
    const client = this.#client;
    const deployment = this.#deployment;
    store.dropRoundsBefore(current - REPORT_EPOCHS);
    const rounds = store.rounds(current - 2, current, LIMIT);
    const chores: Chore[] = [];
    for (const { auditor, epoch } of rounds) {
      const call = {
        address: deployment.contracts.proofOfService,
        abi: proofOfServiceAbi,
        functionName: "report",
        args: [auditor, epoch],
      } as const;
      const account = this.#keeper;
      const simulated = await simulate(() => client.simulateContract({ ...call, account }));
      // The round was revealed or reported, could not be revealed, or has no stake: this is final.
      if (simulated === undefined || simulated.result === 0n) store.dropRound(auditor, epoch);
      else {
        const reward = simulated.result / 2n;
        chores.push({ duty: this.name, call, reward, about: { auditor, epoch } });
      }
    }
    if (chores.length > 0) await offer(chores);
    // Marked only now, so that a report that a crash prevented is tried again.
    for (const { auditor, epoch } of rounds) store.postponeRound(auditor, epoch, current);
  }
}
