import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { findAnswerError, findFault, whatFailed } from "./rpc/faults.ts";

/** First and longest pause before the chain is tried again, milliseconds. */
const PAUSE_MS = { first: 1_000, most: 30_000 };
/** What does not need the chain waits so long for the first answer of an endpoint, milliseconds. */
const PATIENCE_MS = 3_000;

export interface WhenReachableDependencies {
  /** The first questions to the chain, before all other parts start. */
  chain: Startable;
  /**
   * What can do without the chain: it starts when the chain has answered that nothing is wrong, or cannot be
   * reached.
   */
  always: Startable;
  rest: Startable;
  timers: Timers;
  log: Logger;
  metrics: Pick<Metrics, "health">;
  /** Ends the worker for what the chain said after the worker had started without it. */
  fail?: ((error: unknown) => void) | undefined;
}

/**
 * Starts the parts that need the chain once the chain can be reached. If it cannot be reached at the worker's start,
 * the other parts run meanwhile.
 */
export class WhenReachable implements Startable {
  readonly #waits: readonly string[];
  readonly #d: WhenReachableDependencies;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #state: "up" | "waiting" | "failed" = "up";
  #begun: Startable[] = [];

  /** @param options.waits The tasks that wait, for the log. */
  constructor(options: { waits: readonly string[] }, dependencies: WhenReachableDependencies) {
    this.#waits = options.waits;
    this.#d = dependencies;
    dependencies.metrics.health.register("chain", () => {
      if (this.#state === "up") return undefined;
      return this.#state === "waiting" ? "the chain cannot be reached" : "it could not start";
    });
  }

  /** @throws BlockcloudError Any error other than an unreachable chain. */
  async start(): Promise<void> {
    const { always, log } = this.#d;
    const first = this.#tryChain();
    const error = await this.#inTime(first);
    if (error === undefined) {
      await this.#begin(always);
      await this.#startRest();
      return;
    }
    this.#state = "waiting";
    log.error("the chain cannot be reached: tasks that do not need it continue", {
      error,
      waits: this.#waits,
    });
    await this.#begin(always);
    this.#loop = this.#retry(first);
  }

  /** Stops what needs the chain, for good; the other parts go on, and so does the access to the chain. */
  async stopRest(): Promise<void> {
    this.#stopping.abort();
    const { rest } = this.#d;
    const place = this.#begun.indexOf(rest);
    if (place >= 0) this.#begun.splice(place, 1);
    if (place >= 0) await rest.stop();
    await this.#loop;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    for (const part of this.#begun.splice(0).reverse()) await part.stop();
    await this.#d.chain.stop();
  }

  /** Why the chain cannot be reached; undefined when it was. */
  async #tryChain(): Promise<BlockcloudError | undefined> {
    try {
      await this.#d.chain.start();
      return undefined;
    } catch (error) {
      const unreachable = asUnreachable(error);
      if (unreachable === undefined) throw error;
      return unreachable;
    }
  }

  async #inTime(first: Promise<BlockcloudError | undefined>): Promise<BlockcloudError | undefined> {
    const over = new AbortController();
    const patience = this.#d.timers.sleep(PATIENCE_MS, over.signal).then(
      () => new BlockcloudError("CHAIN_UNREACHABLE", "No endpoint has answered yet."),
      () => undefined,
    );
    try {
      return await Promise.race([first, patience]);
    } finally {
      over.abort();
    }
  }

  async #retry(first: Promise<BlockcloudError | undefined>): Promise<void> {
    const { log, timers, fail } = this.#d;
    const { signal } = this.#stopping;
    let trying = first;
    for (let pause = PAUSE_MS.first; ; pause = Math.min(2 * pause, PAUSE_MS.most)) {
      try {
        const error = await trying;
        if (signal.aborted) return;
        if (error === undefined) break;
        log.debug("the chain cannot be reached yet", { error });
      } catch (error) {
        if (signal.aborted) return;
        log.error("the worker cannot go on", { error });
        this.#state = "failed";
        if (fail !== undefined) {
          fail(error);
          return;
        }
      }
      await timers.sleep(pause, signal).catch(() => undefined);
      if (signal.aborted) return;
      trying = this.#tryChain();
    }
    log.info("the chain can be reached: waiting tasks begin", { waited: this.#waits });
    try {
      await this.#startRest();
      this.#state = "up";
    } catch (error) {
      this.#state = "failed";
      log.error("tasks that waited for the chain cannot start: repair the cause and restart", {
        error,
      });
    }
  }

  async #startRest(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.#begin(this.#d.rest);
  }

  async #begin(part: Startable): Promise<void> {
    this.#begun.push(part);
    await part.start();
  }
}

/** The error by which an endpoint gave no answer; undefined for any other. */
function asUnreachable(error: unknown): BlockcloudError | undefined {
  if (error instanceof BlockcloudError) {
    return error.code === "CHAIN_UNREACHABLE" ? error : undefined;
  }
  if (findFault(error) === undefined && findAnswerError(error) === undefined) return undefined;
  return new BlockcloudError(
    "CHAIN_UNREACHABLE",
    `The chain cannot be asked: ${whatFailed(error)}`,
    {
      cause: error,
      retryable: true,
      remedy: "Check the RPC endpoints.",
    },
  );
}

/** The chain, and a check on it each time it has started; a check that fails does not start it again. */
export function withCheck(
  chain: Startable,
  check: (signal: AbortSignal) => Promise<void>,
): Startable {
  const stopping = new AbortController();
  let isUp = false;
  return {
    async start() {
      if (!isUp) await chain.start();
      isUp = true;
      await check(stopping.signal);
    },
    async stop() {
      stopping.abort();
      await chain.stop();
    },
  };
}
