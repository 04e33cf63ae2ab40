import { erc20Abi, parseEventLogs, type TransactionReceipt } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { tickInTurn, tickOf, type Tick } from "../chain/ticks.ts";
import type { ChainTime } from "../chain/clock.ts";
import type { Seeds } from "../chain/seeds.ts";
import type { Timers } from "../node/timers.ts";
import type { Logger } from "../node/logger.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Chore, Offer } from "./duty.ts";

/** Bounty of a tick (`EmissionLib.TICK_BOUNTY`), BLOC in wei. */
const BOUNTY = 10n ** 18n;
/** Number of past epochs that are proven late if they have no seed. */
const LATE_EPOCHS = 8;

export interface TickDutyDependencies {
  client: ChainClient;
  deployment: Deployment;
  seeds: Seeds;
  time: ChainTime;
  timers: Timers;
  log: Logger;
}

/** Proves seeds: first of missed epochs, then of the current one. */
export class TickDuty {
  readonly name = "tick";
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #seeds: Seeds;
  readonly #time: ChainTime;
  readonly #timers: Timers;
  readonly #log: Logger;

  constructor(dependencies: TickDutyDependencies) {
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#seeds = dependencies.seeds;
    this.#time = dependencies.time;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  /** Work of one epoch; ends with the signal. */
  async run(epoch: number, offer: Offer, signal: AbortSignal): Promise<void> {
    await this.#late(epoch, offer, signal);
    if (epoch < 1) return;
    const tick = await tickInTurn(
      { deployment: this.#deployment, seeds: this.#seeds, time: this.#time, timers: this.#timers },
      epoch,
      signal,
    );
    if (tick !== undefined) await offer([await this.#chore(tick)]);
  }

  /** Seeds are recorded in order: after a later seed, an earlier one cannot be recorded. */
  async #late(current: number, offer: Offer, signal: AbortSignal): Promise<void> {
    const time = this.#time;
    const client = this.#client;
    const deployment = this.#deployment;
    const log = this.#log;
    const newest = await client.readContract({
      address: deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "newestSeed",
    });
    const first = Math.max(1, newest + 1, current - LATE_EPOCHS);
    for (let epoch = first; epoch < current; epoch++) {
      signal.throwIfAborted();
      try {
        await offer([
          await this.#chore(
            await tickOf({ deployment: this.#deployment, seeds: this.#seeds }, epoch, time.head()),
          ),
        ]);
      } catch (error) {
        if (!(error instanceof BlockcloudError) || error.code !== "EPOCH_WITHOUT_BLOCK")
          throw error;
        log.debug("an epoch without a block", { epoch });
      }
    }
  }

  async #chore(tick: Tick): Promise<Chore> {
    const { token, rewardPool } = this.#deployment.contracts;
    // The pool's balance bounds the bounty.
    const left = await this.#client.readContract({
      address: token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [rewardPool],
    });
    const reward = left < BOUNTY ? left : BOUNTY;
    return tickChore(tick, reward);
  }
}

/** A tick as a chore, for a reward in wei of BLOC. */
export function tickChore({ call, epoch, seed }: Tick, reward: bigint): Chore {
  return { duty: "tick", call, reward, about: { epoch, seed }, isDoneBy: hasTicked };
}

/** A second tick of an epoch succeeds without an effect. */
function hasTicked({ logs }: TransactionReceipt): boolean {
  return parseEventLogs({ abi: proofOfServiceAbi, eventName: "Ticked", logs }).length > 0;
}
