import { randomInt } from "node:crypto";
import type { ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Seeds } from "../chain/seeds.ts";
import type { TransactionSender } from "../chain/sender.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { untilConfirmed, type Duty } from "./auditor.ts";

/** Ticks are tried in random order within this share of the epoch, so that most workers find it done. */
const SPREAD = 0.25;

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
    const confirmedAt = await untilConfirmed(this.#d, epoch, signal);
    // From here on, not from the epoch's start: on a slow chain that moment has passed for all.
    const spread = SPREAD * time.timing.epochSeconds;
    await time.until(confirmedAt + (spread * randomInt(1000)) / 1000, signal);
    if (await seeds.recorded(epoch)) return;
    const { firstHeader, parentHeader, seed } = await seeds.prove(epoch, time.head());
    await sender.send({
      address: deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "tick",
      args: [firstHeader, parentHeader],
    });
    log.info("seed proven", { epoch, seed });
  }
}
