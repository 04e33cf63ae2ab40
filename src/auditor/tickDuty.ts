import type { TransactionSender } from "../chain/sender.ts";
import { tickInTurn, type TickDependencies } from "../chain/ticks.ts";
import type { Logger } from "../node/logger.ts";
import type { Duty } from "./auditor.ts";

/** Proves the epoch's seed on chain, unless somebody else was first. */
export class TickDuty implements Duty {
  readonly name = "tick";
  readonly #d: TickDependencies & { sender: TransactionSender; log: Logger };

  constructor(dependencies: TickDependencies & { sender: TransactionSender; log: Logger }) {
    this.#d = dependencies;
  }

  async run(epoch: number, signal: AbortSignal): Promise<void> {
    const tick = await tickInTurn(this.#d, epoch, signal);
    if (tick === undefined) return;
    await this.#d.sender.send(tick.call);
    this.#d.log.info("seed proven", { epoch, seed: tick.seed });
  }
}
