import { staysFor } from "../chain/clock.ts";
import type { TransactionSender } from "../chain/transactions/sender.ts";
import { tickInTurn, type TickDependencies } from "../chain/ticks.ts";
import type { Logger } from "../node/logger.ts";
import { epochStart } from "../protocol/epoch.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Duty } from "./auditor.ts";

/** Depth in blocks until which a tick is watched. */
const TICK_DEPTH = 5n;

/** Proves the epoch's seed on chain, unless another account was first. */
export class TickDuty implements Duty {
  readonly name = "tick";
  readonly #d: TickDependencies & { sender: TransactionSender; log: Logger };

  constructor(dependencies: TickDependencies & { sender: TransactionSender; log: Logger }) {
    this.#d = dependencies;
  }

  async run(epoch: number, signal: AbortSignal): Promise<void> {
    const { sender, seeds, log } = this.#d;
    const tick = await tickInTurn(this.#d, epoch, signal);
    if (tick === undefined) return;
    const deadline = epochStart(this.#d.time.timing, epoch + 1) - 1;
    await sender.send(tick.call, { signal, deadline, urgent: true });
    log.info("seed proven", { epoch, seed: tick.seed });
    const isRecorded = async () => (await seeds.recorded(epoch)) !== undefined;
    if (await staysFor(this.#d, TICK_DEPTH, isRecorded, signal)) return;
    throw new BlockcloudError(
      "SEED_TAKEN_BACK",
      `A reorganisation removed the seed of epoch ${epoch}.`,
      {
        retryable: true,
      },
    );
  }
}
