import { currentEpoch, untilPhase, type ChainTime } from "../chain/clock.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { BookkeepingTask, ProviderMetrics } from "./metrics.ts";
import type { Publisher } from "./publisher.ts";

/** Where in an epoch the provider does its bookkeeping: after the auditors' early transactions. */
const MOMENT = 0.6;

export interface ProviderDependencies {
  gateway: Startable;
  responder: Startable;
  publisher: Startable & Pick<Publisher, "alone" | "peers">;
  announcer: { announce(alone: boolean): Promise<void> };
  settler: { settle(): Promise<void> };
  statusWatch: { look(): Promise<void> };
  time: ChainTime;
  log: Logger;
  metrics?: Pick<ProviderMetrics, "bookkeeping">;
}

/**
 * A provider's agent: serves through the gateway, answers challenges, keeps its record published, collects
 * its pay.
 */
export class Provider implements Startable {
  readonly #d: ProviderDependencies;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(dependencies: ProviderDependencies) {
    this.#d = dependencies;
  }

  /**
   * Serves first and publishes then: nobody is sent to a port that is not open yet. A challenge that was
   * opened meanwhile does not wait for either to be done.
   */
  async start(): Promise<void> {
    const { gateway, responder, publisher, announcer, log } = this.#d;
    await gateway.start();
    await responder.start();
    await this.#tryAll({ status: () => this.#d.statusWatch.look() });
    await publisher.start();
    // With a network that carries our records, whoever has no ether yet may serve all the same.
    if (publisher.peers === 0) await announcer.announce(false);
    else await this.#tryAll({ announce: () => announcer.announce(false) });
    log.info("provider started");
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#d.publisher.stop();
    await this.#d.responder.stop();
    await this.#d.gateway.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { time } = this.#d;
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
    const { statusWatch, publisher, announcer, settler } = this.#d;
    await this.#tryAll({
      status: () => statusWatch.look(),
      announce: () => announcer.announce(publisher.alone),
      settle: () => settler.settle(),
    });
  }

  /** A failure here costs nothing but time: the next epoch tries again. None waits for another. */
  async #tryAll(tasks: Partial<Record<BookkeepingTask, () => Promise<void>>>): Promise<void> {
    for (const [name, task] of Object.entries(tasks) as [BookkeepingTask, () => Promise<void>][]) {
      try {
        await task();
        this.#d.metrics?.bookkeeping(name);
      } catch (error) {
        this.#d.metrics?.bookkeeping(name, error);
        this.#d.log.warn("bookkeeping failed, trying again next epoch", { error });
      }
    }
  }
}
