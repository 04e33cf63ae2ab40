import { currentEpoch, untilPhase, type ChainTime } from "../chain/clock.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";

/** Where in an epoch the provider does its bookkeeping: after the auditors' early transactions. */
const MOMENT = 0.6;

export interface ProviderDependencies {
  gateway: Startable;
  publisher: { publish(): Promise<void> };
  settler: { settle(): Promise<void> };
  time: ChainTime;
  log: Logger;
}

/** A provider's agent: serves through the gateway, keeps its record published, collects its pay. */
export class Provider implements Startable {
  readonly #d: ProviderDependencies;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(dependencies: ProviderDependencies) {
    this.#d = dependencies;
  }

  /** Serves first and publishes then: nobody is sent to a port that is not open yet. */
  async start(): Promise<void> {
    const { gateway, publisher, log } = this.#d;
    await gateway.start();
    await publisher.publish();
    log.info("provider started");
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
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

  /** A failure here costs nothing but time: the next epoch tries again. Neither waits for the other. */
  async #keepBooks(): Promise<void> {
    const { publisher, settler, log } = this.#d;
    for (const keep of [() => publisher.publish(), () => settler.settle()]) {
      try {
        await keep();
      } catch (error) {
        log.warn("bookkeeping failed, trying again next epoch", { error });
      }
    }
  }
}
