import type { Address } from "viem";
import { currentEpoch, untilPhase, type ChainTime } from "../chain/clock.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { epochStart } from "../protocol/epoch.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { AuditorMetrics } from "./metrics.ts";

/** A duty of an epoch; a retryable failure is tried again until the epoch ends. */
export interface Duty {
  readonly name: string;
  run(epoch: number, signal: AbortSignal): Promise<void>;
}

export interface AuditorDependencies {
  duties: readonly Duty[];
  time: ChainTime;
  timers: Timers;
  log: Logger;
  metrics?: Pick<AuditorMetrics, "duty">;
}

/** The first epoch that has a seed. */
const FIRST_EPOCH = 1;
/** First and longest pause before a failed duty is tried again, as a share of the epoch. */
const RETRY_SHARE = { first: 0.005, most: 0.1 };

/**
 * Runs an auditor's duties in each epoch: prove the seed, inspect and commit, reveal and claim. The duties are
 * independent: a failure of one does not delay another, and each ends with its epoch.
 */
export class Auditor implements Startable {
  readonly #auditor: Address;
  readonly #duties: readonly Duty[];
  readonly #time: ChainTime;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #metrics: Pick<AuditorMetrics, "duty"> | undefined;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: { auditor: Address }, dependencies: AuditorDependencies) {
    this.#metrics = dependencies.metrics;
    this.#auditor = options.auditor;
    this.#duties = dependencies.duties;
    this.#time = dependencies.time;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
  }

  start(): Promise<void> {
    const epoch = currentEpoch(this.#time);
    this.#log.info("auditor started", { auditor: this.#auditor, epoch });
    if (epoch < FIRST_EPOCH) {
      this.#log.info("epoch 0 has no seed and no audits: waiting for epoch 1", {
        seconds: Math.ceil(epochStart(this.#time.timing, FIRST_EPOCH) - this.#time.now()),
      });
    }
    this.#loop = this.#run(epoch);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(first: number): Promise<void> {
    const { signal } = this.#stopping;
    for (
      let epoch = first;
      !signal.aborted;
      epoch = Math.max(epoch + 1, currentEpoch(this.#time))
    ) {
      const ending = new AbortController();
      const both = AbortSignal.any([signal, ending.signal]);
      const due = epoch < FIRST_EPOCH ? [] : this.#duties;
      const duties = due.map((duty) => this.#perform(duty, epoch, both));
      try {
        await untilPhase(this.#time, epoch, 1, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      ending.abort();
      await Promise.all(duties);
    }
  }

  async #perform(duty: Duty, epoch: number, signal: AbortSignal): Promise<void> {
    const log = this.#log.child({ duty: duty.name, epoch });
    const epochMs = this.#time.timing.epochSeconds * 1000;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await duty.run(epoch, signal);
        this.#metrics?.duty(duty.name, "succeeded");
        return;
      } catch (error) {
        if (signal.aborted) return;
        const again = isWorthAnotherTry(error);
        this.#metrics?.duty(duty.name, again ? "retried" : "failed", error);
        log[again ? "warn" : "error"](again ? "duty failed, trying again" : "duty failed", {
          error,
          code: error instanceof BlockcloudError ? error.code : undefined,
        });
        if (!again) return;
      }
      const share = Math.min(RETRY_SHARE.first * 2 ** failures, RETRY_SHARE.most);
      await this.#timers.sleep(share * epochMs, signal).catch(() => undefined);
    }
  }
}

/**
 * A revert is retryable, too: an endpoint that lags behind reports reverts of its older state, an estimate costs
 * nothing, and giving up a round costs stake.
 */
function isWorthAnotherTry(error: unknown): boolean {
  return !(error instanceof BlockcloudError) || error.retryable || error.code === "CALL_REVERTED";
}
