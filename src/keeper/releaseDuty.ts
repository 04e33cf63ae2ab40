import type { Deployment } from "../chain/deployment.ts";
import { contractsOf, type Moment } from "../chain/views/contracts.ts";
import { RING } from "../protocol/epoch.ts";
import type { KeeperDuty, Offer } from "./duty.ts";
import type { KeeperStore } from "./store.ts";

/** Number of services checked in one round. */
const LIMIT = 16;

export interface ReleaseDependencies {
  deployment: Deployment;
  store: KeeperStore;
}

/**
 * Releases the slots of services that have been inactive for long, so that new services fill the holes: an auditor
 * pays for each drawn shard, even if it has few services. Unprofitable.
 */
export class ReleaseDuty implements KeeperDuty {
  readonly name = "release";
  readonly #deployment: Deployment;
  readonly #store: KeeperStore;

  constructor(dependencies: ReleaseDependencies) {
    this.#deployment = dependencies.deployment;
    this.#store = dependencies.store;
  }

  async run({ epoch: current }: Moment, offer: Offer): Promise<void> {
    const store = this.#store;
    const deployment = this.#deployment;
    const { registry } = contractsOf(deployment);
    const idle = store.idle(current - RING, current, LIMIT);
    if (idle.length === 0) return;
    await offer(
      idle.map((number) => ({
        duty: this.name,
        call: { ...registry, functionName: "releaseSlot", args: [number] },
        reward: 0n,
        about: { number },
      })),
    );
    // A refused chore means that the slot is held or gone; a skipped one is too expensive today.
    for (const number of idle) store.postponeIdle(number, current + 1);
  }
}
