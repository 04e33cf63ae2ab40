import type { Address } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { simulate } from "../chain/transactions/simulate.ts";
import { contractsOf, type Moment } from "../chain/views/contracts.ts";
import { RING } from "../protocol/epoch.ts";
import type { Chore, KeeperDuty, Offer } from "./duty.ts";
import type { KeeperStore } from "./store.ts";

/** Number of services checked in one round. */
const LIMIT = 16;
/** Epochs that one call settles, so that it fits a transaction. */
const EPOCHS = 192;

export interface SettleDependencies {
  client: ChainClient;
  deployment: Deployment;
  store: KeeperStore;
}

/**
 * Settles services whose pay is unsettled for long, because pay is lost after 254 epochs. A provider's agent
 * settles by itself; the keeper does it for services without a running agent. Unprofitable.
 */
export class SettleDuty implements KeeperDuty {
  readonly name = "settle";
  readonly #options: { keeper: Address; afterEpochs: number };
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #store: KeeperStore;

  /** @param options `afterEpochs`: epochs after which the keeper settles a service's pay. */
  constructor(options: { keeper: Address; afterEpochs: number }, dependencies: SettleDependencies) {
    this.#options = options;
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#store = dependencies.store;
  }

  async run({ epoch: current }: Moment, offer: Offer): Promise<void> {
    const store = this.#store;
    const client = this.#client;
    const deployment = this.#deployment;
    const { proofOfService, settlement } = contractsOf(deployment);
    const due = store.unsettled(current - this.#options.afterEpochs, current, LIMIT);
    if (due.length === 0) return;
    const newest = await client.readContract({ ...proofOfService, functionName: "newestSeed" });
    const last = Math.min(current - 2, newest);
    const chores: Chore[] = [];
    for (const number of due) {
      const settled = await this.#settled(number);
      store.settledThrough(number, settled);
      if (settled > current - this.#options.afterEpochs) continue;
      // Epochs that the ring has overwritten are skipped.
      const upTo = Math.min(last, Math.max(settled, current - RING) + EPOCHS);
      const call = { ...settlement, functionName: "settle", args: [number, upTo] } as const;
      const account = this.#options.keeper;
      const simulated = await simulate(() => client.simulateContract({ ...call, account }));
      if (simulated !== undefined && simulated.result > 0n) {
        const about = { number, upTo, pay: simulated.result };
        chores.push({ duty: this.name, call, reward: 0n, about });
        store.postponeService(number, current + 1);
      } else {
        // Without pay there is no transaction, and no further check until there can be pay.
        store.postponeService(number, current + this.#options.afterEpochs);
      }
    }
    if (chores.length > 0) await offer(chores);
  }

  /** The epoch up to which a service is settled or had no audits yet. */
  async #settled(number: bigint): Promise<number> {
    const client = this.#client;
    const deployment = this.#deployment;
    const { registry, settlement } = contractsOf(deployment);
    const args = [number] as const;
    const [settled, first] = await Promise.all([
      client.readContract({ ...settlement, functionName: "settledThrough", args }),
      client.readContract({ ...registry, functionName: "firstEpoch", args }),
    ]);
    return Math.max(settled, first - 1);
  }
}
