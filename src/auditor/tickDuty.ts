import { staysFor, type ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Seeds } from "../chain/seeds.ts";
import { tickInTurn } from "../chain/ticks.ts";
import type { TransactionSender } from "../chain/transactions/sender.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { epochStart } from "../protocol/epoch.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Duty } from "./auditor.ts";

/** Depth in blocks until which a tick is watched. */
const TICK_DEPTH = 5n;

export interface TickDutyDependencies {
  deployment: Deployment;
  seeds: Seeds;
  time: ChainTime;
  timers: Timers;
  sender: TransactionSender;
  log: Logger;
}

/** Proves the epoch's seed on chain, unless another account was first. */
export class TickDuty implements Duty {
  readonly name = "tick";
  readonly #deployment: Deployment;
  readonly #seeds: Seeds;
  readonly #time: ChainTime;
  readonly #timers: Timers;
  readonly #sender: TransactionSender;
  readonly #log: Logger;

  constructor(dependencies: TickDutyDependencies) {
    this.#deployment = dependencies.deployment;
    this.#seeds = dependencies.seeds;
    this.#time = dependencies.time;
    this.#timers = dependencies.timers;
    this.#sender = dependencies.sender;
    this.#log = dependencies.log;
  }

  async run(epoch: number, signal: AbortSignal): Promise<void> {
    const sender = this.#sender;
    const seeds = this.#seeds;
    const log = this.#log;
    const tick = await tickInTurn(
      { deployment: this.#deployment, seeds: this.#seeds, time: this.#time, timers: this.#timers },
      epoch,
      signal,
    );
    if (tick === undefined) return;
    const deadline = epochStart(this.#time.timing, epoch + 1) - 1;
    await sender.send(tick.call, { signal, deadline, urgent: true });
    log.info("seed proven", { epoch, seed: tick.seed });
    const isRecorded = async () => (await seeds.recorded(epoch)) !== undefined;
    if (await staysFor({ time: this.#time, timers: this.#timers }, TICK_DEPTH, isRecorded, signal))
      return;
    throw new BlockcloudError(
      "SEED_TAKEN_BACK",
      `A reorganisation removed the seed of epoch ${epoch}.`,
      {
        retryable: true,
      },
    );
  }
}
