import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";

/** First and longest pause before the chain is tried again, milliseconds. */
const PAUSE_MS = { first: 1_000, most: 30_000 };

/**
 * Starts the parts that need the chain once the chain can be reached. If it cannot be reached at the worker's start,
 * the other parts run meanwhile.
 */
export class WhenReachable implements Startable {
  readonly #waits: readonly string[];
  readonly #d: {
    chain: Startable;
    rest: Startable;
    timers: Timers;
    log: Logger;
    metrics: Pick<Metrics, "health">;
  };
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #state: "up" | "waiting" | "failed" = "up";
  #hasBegun = false;

  /** @param options.waits The tasks that wait, for the log. */
  constructor(
    options: { waits: readonly string[] },
    dependencies: {
      chain: Startable;
      rest: Startable;
      timers: Timers;
      log: Logger;
      metrics: Pick<Metrics, "health">;
    },
  ) {
    this.#waits = options.waits;
    this.#d = dependencies;
    dependencies.metrics.health.register("chain", () => {
      if (this.#state === "up") return undefined;
      return this.#state === "waiting" ? "the chain cannot be reached" : "it could not start";
    });
  }

  /** @throws BlockcloudError Any error other than an unreachable chain. */
  async start(): Promise<void> {
    try {
      await this.#d.chain.start();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      this.#state = "waiting";
      this.#d.log.error("the chain cannot be reached: tasks that do not need it continue", {
        error,
        waits: this.#waits,
      });
      this.#loop = this.#retry();
      return;
    }
    await this.#startRest();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    if (this.#hasBegun) await this.#d.rest.stop();
    await this.#d.chain.stop();
  }

  async #retry(): Promise<void> {
    const { signal } = this.#stopping;
    for (let pause = PAUSE_MS.first; ; pause = Math.min(2 * pause, PAUSE_MS.most)) {
      await this.#d.timers.sleep(pause, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#d.chain.start();
        break;
      } catch (error) {
        const message = "the chain cannot be reached yet";
        this.#d.log[isUnreachable(error) ? "debug" : "error"](message, { error });
      }
    }
    this.#d.log.info("the chain can be reached: waiting tasks begin", {
      waited: this.#waits,
    });
    try {
      await this.#startRest();
      this.#state = "up";
    } catch (error) {
      this.#state = "failed";
      this.#d.log.error(
        "tasks that waited for the chain cannot start: repair the cause and restart",
        {
          error,
        },
      );
    }
  }

  async #startRest(): Promise<void> {
    this.#hasBegun = true;
    await this.#d.rest.start();
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof BlockcloudError && error.code === "CHAIN_UNREACHABLE";
}
