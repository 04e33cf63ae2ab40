import { findAnswerError, findFault } from "../../chain/rpc/faults.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ServiceHandoff } from "../handoff/serviceHandoff.ts";
import type { ServiceMetrics } from "../metrics.ts";
import type { ServicePlan } from "./plan.ts";

/** First and longest pause before a service that could not start is tried again, milliseconds. */
const PAUSE_MS = { first: 1_000, most: 60_000 };

/** The parts of a service, made for one attempt. */
export interface ServiceParts {
  /**
   * Asks the chain whether the service can be served with its key.
   *
   * @throws BlockcloudError `SERVICE_UNREGISTERED`, `SERVICE_RETIRED` or `SERVICE_KEY_OTHER`; what the client throws.
   */
  check(signal: AbortSignal): Promise<void>;
  /** The parts that need neither the chain nor the record network: store and gateway. */
  readonly front: Startable;
  /** The others: record, settlement, answers to challenges. */
  readonly tasks: Startable;
  /** Gives the service to a process that takes this one's place. */
  readonly handoff?: ServiceHandoff | undefined;
}

export interface HostedServiceDependencies {
  /** @throws BlockcloudError if a key or the store cannot be opened. */
  make(plan: ServicePlan): Promise<ServiceParts>;
  /** Whether the chain was reached. */
  hasChain(): boolean;
  /** Whether a failure now ends the agent. Then its caller reports the error, and nothing is tried again. */
  endsAgent(): boolean;
  /** Settles when tasks may start: chain and record network are there. */
  ready: Promise<void>;
  timers: Timers;
  log: Logger;
  metrics: Pick<ServiceMetrics, "running" | "failed">;
}

/**
 * One service of an agent. A service that cannot start is tried again until it stops; its failure concerns no other
 * service.
 */
export class HostedService {
  readonly plan: ServicePlan;
  readonly #dependencies: HostedServiceDependencies;
  readonly #stopping = new AbortController();
  readonly #aborted: Promise<void>;
  readonly #firstFront = Promise.withResolvers<undefined>();
  readonly #firstTasks = Promise.withResolvers<undefined>();
  #loop: Promise<void> = Promise.resolve();
  #parts: ServiceParts | undefined;
  #hasTasks = false;
  #failure: { error: unknown } | undefined;

  constructor(plan: ServicePlan, dependencies: HostedServiceDependencies) {
    this.plan = plan;
    this.#dependencies = dependencies;
    const { signal } = this.#stopping;
    this.#aborted = new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        resolve();
      });
    });
  }

  /** Why the service does not run; undefined if it runs, or has not failed yet. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** The service as another process can take it over; undefined if nothing of it runs. */
  get handoff(): ServiceHandoff | undefined {
    return this.#parts?.handoff;
  }

  /** Begins to serve. Resolves when the first attempt to open the front is over, whether or not it succeeded. */
  start(): Promise<void> {
    this.#loop = this.#run().finally(() => {
      this.#settle();
    });
    return this.#firstFront.promise;
  }

  /** Resolves when the first attempt to start the tasks is over, or an attempt before has failed. */
  get tried(): Promise<void> {
    return this.#firstTasks.promise;
  }

  /** Stops the tasks and all attempts; the front continues to serve. */
  async stopTasks(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    const hadTasks = this.#hasTasks;
    this.#hasTasks = false;
    if (hadTasks) await this.#parts?.tasks.stop();
  }

  /** Stops the front; after `stopTasks`. */
  async stopFront(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    await parts?.front.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let pause = PAUSE_MS.first; !signal.aborted; pause = Math.min(2 * pause, PAUSE_MS.most)) {
      try {
        await this.#attempt();
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#fail(error, pause);
        await this.#clear();
        this.#settle();
        const wait = isFinal(error)
          ? this.#aborted
          : this.#dependencies.timers.sleep(pause, signal).catch(() => undefined);
        await wait;
      }
    }
  }

  /** Returns when the service runs, or is to stop. */
  async #attempt(): Promise<void> {
    const { make, hasChain, ready, metrics, log } = this.#dependencies;
    const { signal } = this.#stopping;
    const parts = await make(this.plan);
    this.#parts = parts;
    if (signal.aborted) return;
    // Before it listens, if the chain can be asked; else before it publishes or pays.
    let isChecked = hasChain() && (await this.#isChecked(parts));
    if (signal.aborted) return;
    await parts.front.start();
    this.#firstFront.resolve(undefined);
    await Promise.race([ready, this.#aborted]);
    for (let pause = PAUSE_MS.first; !isChecked && !signal.aborted; pause *= 2) {
      isChecked = await this.#isChecked(parts);
      const longest = Math.min(pause, PAUSE_MS.most);
      if (!isChecked) await this.#dependencies.timers.sleep(longest, signal).catch(() => undefined);
    }
    if (signal.aborted) return;
    this.#hasTasks = true;
    const started = parts.tasks.start();
    // An announcement may wait long for its block: a service that is to stop does not wait for that. Its failure is
    // a consequence of the stop then.
    started.catch(() => undefined);
    await Promise.race([started, this.#aborted]);
    if (signal.aborted) return;
    metrics.running();
    if (this.#failure !== undefined) log.info("the service runs");
    this.#failure = undefined;
  }

  /** False if no endpoint answers. */
  async #isChecked(parts: ServiceParts): Promise<boolean> {
    try {
      await parts.check(this.#stopping.signal);
      return true;
    } catch (error) {
      if (findFault(error) === undefined && findAnswerError(error) === undefined) throw error;
      this.#dependencies.log.warn("the service cannot be checked, because no endpoint answers", {
        error,
      });
      return false;
    }
  }

  #settle(): void {
    this.#firstFront.resolve(undefined);
    this.#firstTasks.resolve(undefined);
  }

  /** An error is logged when it is new; a repeated one is a warning. */
  #fail(error: unknown, pause: number): void {
    const { log, metrics, endsAgent } = this.#dependencies;
    const told = describeFailure(error);
    const before = this.#failure && describeFailure(this.#failure.error);
    this.#failure = { error };
    metrics.failed(error);
    if (endsAgent()) return;
    log[before?.code === told.code ? "warn" : "error"]("the service cannot run", {
      ...told,
      ...(isFinal(error) ? {} : { triedAgainInSeconds: pause / 1000 }),
    });
  }

  /** Stops what an attempt has started. */
  async #clear(): Promise<void> {
    const { log } = this.#dependencies;
    const failed = (error: unknown) => {
      log.warn("a part of the service could not be stopped", { error });
    };
    if (this.#hasTasks) await this.#parts?.tasks.stop().catch(failed);
    this.#hasTasks = false;
    await this.#parts?.front.stop().catch(failed);
    this.#parts = undefined;
  }
}

/** Whether another attempt cannot succeed. */
function isFinal(error: unknown): boolean {
  return error instanceof BlockcloudError && error.code === "SERVICE_RETIRED";
}

/** An error's code and message, for the log; the message ends with the remedy. */
export function describeFailure(error: unknown): { code: string; error: string } {
  const code = error instanceof BlockcloudError ? error.code : "UNEXPECTED";
  return { code, error: error instanceof Error ? error.message : String(error) };
}
