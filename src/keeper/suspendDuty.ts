import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Services } from "../chain/services.ts";
import { numbers, readEach, type Moment } from "../chain/views/contracts.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { settlementAbi } from "../protocol/abi/settlement.ts";
import { LANES, shardCount, slotAt } from "../protocol/sortition.ts";
import { lanesOf, verdictOf } from "../protocol/tally.ts";
import type { Chore, KeeperDuty, Offer } from "./duty.ts";

/** Epochs in a row (`Settlement.DOWN_EPOCHS`). */
const DOWN_EPOCHS = 8;
/**
 * Each shard is checked once in this number of epochs. A run may be reported for four epochs
 * (`DOWN_FRESH_EPOCHS`), so no run is missed; one that continues is found up to four epochs late.
 */
const STRIDE = 4;
/** Number of shards checked in one round. */
const LIMIT = 128;

export interface SuspendDependencies {
  client: ChainClient;
  deployment: Deployment;
  services: Services;
}

/** Suspends services that were FAILED for too long. Unprofitable. */
export class SuspendDuty implements KeeperDuty {
  readonly name = "suspend";
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #services: Services;
  /** The epoch that is being checked, and its next shard. */
  #progress = { epoch: -1, shard: 0 };

  constructor(dependencies: SuspendDependencies) {
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#services = dependencies.services;
  }

  async run({ epoch: current }: Moment, offer: Offer): Promise<void> {
    const last = current - 2;
    if (last < DOWN_EPOCHS) return;
    if (this.#progress.epoch !== current) {
      this.#progress = { epoch: current, shard: current % STRIDE };
    }
    const shards = shardCount(await this.#services.slotCount());
    const first = this.#progress.shard;
    const turn = numbers(0, LIMIT - 1)
      .map((index) => first + index * STRIDE)
      .filter((shard) => shard < shards);
    if (turn.length === 0) return;
    const down = (await readEach(turn, (shard) => this.#down(shard, last))).flat();
    if (down.length > 0) await offer(down.map((number) => this.#chore(number, last)));
    this.#progress.shard = first + LIMIT * STRIDE;
  }

  /** Services of a shard that were FAILED in all epochs of the run; the newest epoch is read first. */
  async #down(shard: number, last: number): Promise<bigint[]> {
    let lanes = numbers(0, LANES - 1);
    for (let epoch = last; epoch > last - DOWN_EPOCHS && lanes.length > 0; epoch--) {
      const tally = await this.#client.readContract({
        address: this.#deployment.contracts.proofOfService,
        abi: proofOfServiceAbi,
        functionName: "tallyOf",
        args: [BigInt(shard), epoch],
      });
      const counts = lanesOf(tally);
      lanes = lanes.filter((lane) => verdictOf(counts[lane] ?? []) === 0);
    }
    const holders = await this.#services.holders(lanes.map((lane) => slotAt(shard, lane)));
    return holders.filter((number) => number !== undefined);
  }

  #chore(number: bigint, lastEpoch: number): Chore {
    const call = {
      address: this.#deployment.contracts.settlement,
      abi: settlementAbi,
      functionName: "suspend",
      args: [number, lastEpoch],
    };
    return { duty: this.name, call, reward: 0n, about: { number, lastEpoch } };
  }
}
