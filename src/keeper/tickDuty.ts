import { erc20Abi, parseEventLogs, type TransactionReceipt } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { tickInTurn, tickOf, type Tick, type TickDependencies } from "../chain/ticks.ts";
import type { Logger } from "../node/logger.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Chore, Offer } from "./duty.ts";

/** Bounty of a tick (`EmissionLib.TICK_BOUNTY`), BLOC in wei. */
const BOUNTY = 10n ** 18n;
/** Number of past epochs that are proven late if they have no seed. */
const LATE_EPOCHS = 8;

export interface TickDutyDependencies extends TickDependencies {
  client: ChainClient;
  deployment: Deployment;
  log: Logger;
}

/** Proves seeds: first of missed epochs, then of the current one. */
export class TickDuty {
  readonly name = "tick";
  readonly #d: TickDutyDependencies;

  constructor(dependencies: TickDutyDependencies) {
    this.#d = dependencies;
  }

  /** Work of one epoch; ends with the signal. */
  async run(epoch: number, offer: Offer, signal: AbortSignal): Promise<void> {
    await this.#late(epoch, offer, signal);
    if (epoch < 1) return;
    const tick = await tickInTurn(this.#d, epoch, signal);
    if (tick !== undefined) await offer([await this.#chore(tick)]);
  }

  /** Seeds are recorded in order: after a later seed, an earlier one cannot be recorded. */
  async #late(current: number, offer: Offer, signal: AbortSignal): Promise<void> {
    const { time, client, deployment, log } = this.#d;
    const newest = await client.readContract({
      address: deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "newestSeed",
    });
    const first = Math.max(1, newest + 1, current - LATE_EPOCHS);
    for (let epoch = first; epoch < current; epoch++) {
      signal.throwIfAborted();
      try {
        await offer([await this.#chore(await tickOf(this.#d, epoch, time.head()))]);
      } catch (error) {
        if (!(error instanceof BlockcloudError) || error.code !== "EPOCH_WITHOUT_BLOCK")
          throw error;
        log.debug("an epoch without a block", { epoch });
      }
    }
  }

  async #chore(tick: Tick): Promise<Chore> {
    const { token, rewardPool } = this.#d.deployment.contracts;
    // The pool's balance bounds the bounty.
    const left = await this.#d.client.readContract({
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
