import { currentEpoch, untilPhase, type ChainTime } from "../chain/clock.ts";
import { findAnswerError, findFault } from "../chain/rpc/faults.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { BookkeepingTask, ServiceMetrics } from "./metrics.ts";
import type { Publisher } from "./publish/publisher.ts";

/** Share of the epoch at which the provider does its bookkeeping, after the auditors' early transactions. */
const MOMENT = 0.6;

export interface ProviderDependencies {
  responder: Startable;
  publisher: Startable & Pick<Publisher, "alone" | "peers">;
  announcer: { announce(alone: boolean): Promise<void> };
  settler: { settle(): Promise<void> };
  statusWatch: { look(): Promise<void> };
  time: ChainTime;
  log: Logger;
  metrics?: Pick<ServiceMetrics, "bookkeeping">;
}

/** Runs a provider's duties: it answers challenges, publishes the record and settles the pay. */
export class Provider implements Startable {
  readonly #responder: Startable;
  readonly #publisher: Startable & Pick<Publisher, "alone" | "peers">;
  readonly #announcer: { announce(alone: boolean): Promise<void> };
  readonly #settler: { settle(): Promise<void> };
  readonly #statusWatch: { look(): Promise<void> };
  readonly #time: ChainTime;
  readonly #log: Logger;
  readonly #metrics: Pick<ServiceMetrics, "bookkeeping"> | undefined;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(dependencies: ProviderDependencies) {
    this.#responder = dependencies.responder;
    this.#publisher = dependencies.publisher;
    this.#announcer = dependencies.announcer;
    this.#settler = dependencies.settler;
    this.#statusWatch = dependencies.statusWatch;
    this.#time = dependencies.time;
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
  }

  /**
   * The gateway already serves, so the record never names a port that is not open yet. Challenges are answered
   * before the record is published.
   */
  async start(): Promise<void> {
    const responder = this.#responder;
    const publisher = this.#publisher;
    const log = this.#log;
    const { signal } = this.#stopping;
    await responder.start();
    await this.#tryAll({ status: () => this.#statusWatch.look() });
    // A provider that was stopped meanwhile publishes nothing: another one may work for the service by now.
    if (signal.aborted) return;
    await publisher.start();
    if (signal.aborted) return;
    await this.#announceFirst();
    if (signal.aborted) return;
    log.info("provider started");
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#publisher.stop();
    await this.#responder.stop();
  }

  /**
   * A provider without ether can still serve if the network carries its records, and a failing endpoint may
   * recover.
   */
  async #announceFirst(): Promise<void> {
    const announcer = this.#announcer;
    const publisher = this.#publisher;
    let fatal: Error | undefined;
    await this.#tryAll({
      announce: async () => {
        try {
          await announcer.announce(false);
        } catch (error) {
          const isEndpoint = findFault(error) !== undefined || findAnswerError(error) !== undefined;
          if (publisher.peers === 0 && !isEndpoint) fatal = error as Error;
          throw error;
        }
      },
    });
    if (fatal !== undefined) throw fatal;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const time = this.#time;
    while (!signal.aborted) {
      const epoch = currentEpoch(time);
      try {
        await untilPhase(time, epoch, MOMENT, signal);
        await this.#keepBooks();
        await untilPhase(time, epoch, 1, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #keepBooks(): Promise<void> {
    const statusWatch = this.#statusWatch;
    const publisher = this.#publisher;
    const announcer = this.#announcer;
    const settler = this.#settler;
    await this.#tryAll({
      status: () => statusWatch.look(),
      announce: () => announcer.announce(publisher.alone),
      settle: () => settler.settle(),
    });
  }

  /** A failed task is tried again in the next epoch. The tasks do not wait for each other. */
  async #tryAll(tasks: Partial<Record<BookkeepingTask, () => Promise<void>>>): Promise<void> {
    for (const [name, task] of Object.entries(tasks) as [BookkeepingTask, () => Promise<void>][]) {
      try {
        await task();
        this.#metrics?.bookkeeping(name);
      } catch (error) {
        this.#metrics?.bookkeeping(name, error);
        this.#log.warn("bookkeeping failed, trying again next epoch", { error });
      }
    }
  }
}
