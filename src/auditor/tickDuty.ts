import { randomInt } from "node:crypto";
import { untilPhase, type ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Seeds } from "../chain/seeds.ts";
import type { TransactionSender } from "../chain/sender.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { confirmedSeed, type Duty } from "./auditor.ts";

/** Ticks are tried in random order within this share of the epoch, so that most workers find it done. */
const SPREAD = 0.15;

export interface TickDependencies {
  deployment: Deployment;
  seeds: Seeds;
  sender: TransactionSender;
  time: ChainTime;
  timers: Timers;
  log: Logger;
}

/** Proves the epoch's seed on chain, unless somebody else was first. */
export class TickDuty implements Duty {
  readonly name = "tick";
  readonly #d: TickDependencies;

  constructor(dependencies: TickDependencies) {
    this.#d = dependencies;
  }

  async run(epoch: number, signal: AbortSignal): Promise<void> {
    const { deployment, seeds, sender, time, log } = this.#d;
    const { firstHeader, parentHeader, seed } = await confirmedSeed(this.#d, epoch, signal);
    await untilPhase(time, epoch, (SPREAD * randomInt(1000)) / 1000, signal);
    if (await seeds.recorded(epoch)) return;
    await sender.send({
      address: deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "tick",
      args: [firstHeader, parentHeader],
    });
    log.info("seed proven", { epoch, seed });
  }
}
