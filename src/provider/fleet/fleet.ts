import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import type { ServiceHandoff } from "../handoff/serviceHandoff.ts";
import type { ServiceMetrics } from "../metrics.ts";
import { describeFailure, HostedService, type ServiceParts } from "./hostedService.ts";
import { isChanged, type ServicePlan, type ServiceSource } from "./plan.ts";

export interface FleetDependencies {
  source: ServiceSource;
  /** Called with the first plans, before anything of them is opened. */
  before?: ((plans: readonly ServicePlan[]) => Promise<void>) | undefined;
  /** Makes the parts of a service for one attempt to start it. */
  make(plan: ServicePlan, log: Logger, metrics: ServiceMetrics): Promise<ServiceParts>;
  metrics: { of(service: string): ServiceMetrics; forget(service: string): void };
  /** Whether the chain was reached. */
  hasChain(): boolean;
  /** Ends the agent if the chain was reached late, and no service can start then. */
  fail?: ((error: unknown) => void) | undefined;
  timers: Timers;
  log: Logger;
}

/** A service that was removed or changed, and whose gateway stays open for a while. */
interface Leaving {
  /** Ends that time. */
  hurry: AbortController;
  /** Settles when the gateway does not listen any more. */
  closing: Promise<unknown>;
  done: Promise<void>;
}

/**
 * The services of an agent. Each starts, fails and stops by itself. A reload starts the services that were added,
 * lets the removed ones drain, restarts the changed ones, and leaves the others alone.
 */
export class Fleet {
  readonly #graceMs: number;
  readonly #dependencies: FleetDependencies;
  readonly #services = new Map<bigint, HostedService>();
  readonly #leaving = new Map<HostedService, Leaving>();
  readonly #stopping = new AbortController();
  readonly #ready = Promise.withResolvers<undefined>();
  #reloading: Promise<unknown> = Promise.resolve();
  /** Whether the gateways serve before the chain was reached. */
  #isEarly = false;
  /** Whether a service got through; until then a failure of all services ends the agent. */
  #hasStarted = false;

  /**
   * @param options.graceMs How long the gateway of a removed service stays open, unless its settings say: the lease
   *   of the record that names it.
   */
  constructor(options: { graceMs: number }, dependencies: FleetDependencies) {
    this.#graceMs = options.graceMs;
    this.#dependencies = dependencies;
  }

  /** The number of services, those that cannot start included. */
  get size(): number {
    return this.#services.size;
  }

  /** The services as another process can take them over. */
  get handoffs(): ServiceHandoff[] {
    return [...this.#services.values()].flatMap(({ handoff }) => handoff ?? []);
  }

  /** The gateways; they need neither the chain nor the record network. */
  get fronts(): Startable {
    return {
      start: () => this.#startFronts(),
      stop: async () => {
        // Without the chain the tasks were never started, but services may wait for it.
        await this.#stopTasks();
        const fronts = [...this.#services.values()].map((service) => service.stopFront());
        const left = [...this.#leaving.values()].map(({ done }) => done);
        await Promise.all([...fronts, ...left]);
      },
    };
  }

  /** The tasks on chain and in the record network, started after these and stopped before them. */
  get tasks(): Startable {
    return {
      start: () => this.#startTasks(),
      stop: () => this.#stopTasks(),
    };
  }

  /** Reads the source again, and makes the services what it says. A source with an error changes nothing. */
  async reload(): Promise<void> {
    // Each reload must know the services of the one before.
    const next = this.#reloading.then(() => this.#reload());
    this.#reloading = next.catch(() => undefined);
    await next;
  }

  /** @throws BlockcloudError of the source; or a service's, if no service could open its gateway. */
  async #startFronts(): Promise<void> {
    this.#isEarly = !this.#dependencies.hasChain();
    const { source, before } = this.#dependencies;
    const plans = await source.read();
    await before?.(plans);
    await Promise.all(plans.map((plan) => this.#host(plan).start()));
    const failure = this.#commonFailure();
    if (failure !== undefined) throw failure.error;
  }

  /** @throws BlockcloudError if no service could start. */
  async #startTasks(): Promise<void> {
    this.#ready.resolve(undefined);
    const services = [...this.#services.values()];
    void Promise.all(services.map((service) => service.tried)).then(() => {
      if (!this.#stopping.signal.aborted) this.#say("the services have started", {});
    });
    // The agent has started with the first service that runs: the announcements follow each other, and each waits
    // for its block.
    const running = services.map(async (service) => {
      await service.tried;
      if (service.failure !== undefined) throw service.failure.error;
    });
    const error = await Promise.any(running).then(
      () => undefined,
      () => this.#commonFailure(),
    );
    this.#hasStarted = error === undefined;
    if (error === undefined) return;
    if (!this.#isEarly) throw error.error;
    this.#dependencies.fail?.(error.error);
  }

  async #stopTasks(): Promise<void> {
    this.#stopping.abort();
    await this.#reloading;
    await Promise.all([...this.#services.values()].map((service) => service.stopTasks()));
  }

  /** The failure of the first service, if all have failed. */
  #commonFailure(): { readonly error: unknown } | undefined {
    const failures = [...this.#services.values()].map(({ failure }) => failure);
    return failures.includes(undefined) ? undefined : failures[0];
  }

  /** Whether the agent is about to start and has one service, so that it ends if that fails. */
  #endsWithFirst(): boolean {
    const canEnd = !this.#isEarly || this.#dependencies.fail !== undefined;
    return canEnd && !this.#hasStarted && this.#services.size === 1;
  }

  async #reload(): Promise<void> {
    const { source, log } = this.#dependencies;
    if (this.#stopping.signal.aborted) return;
    let plans: readonly ServicePlan[];
    try {
      plans = await source.read();
    } catch (error) {
      log.error("the services cannot be read: nothing changes", describeFailure(error));
      return;
    }
    const added = plans.filter(({ settings }) => !this.#services.has(settings.number));
    const changed = plans.filter((plan) => {
      const service = this.#services.get(plan.settings.number);
      // A service that waits for its next attempt is tried at once: its cause may be repaired.
      return (
        service !== undefined && (service.failure !== undefined || isChanged(service.plan, plan))
      );
    });
    const kept = new Set(plans.map(({ settings }) => settings.number));
    const removed = [...this.#services.keys()].filter((number) => !kept.has(number));
    const starting = [...changed, ...added];
    const ending = [...removed, ...changed.map(({ settings }) => settings.number)];
    const ports = new Set(starting.map(({ settings }) => settings.listen.port));
    await Promise.all(ending.map((number) => this.#end(number)));
    await this.#free(ports);
    if (this.#stopping.signal.aborted) return;
    await Promise.all(starting.map((plan) => this.#host(plan).start()));
    const numbers = (of: readonly ServicePlan[]) => of.map(({ settings }) => settings.number);
    this.#say("the services were read again", {
      added: numbers(added).map(String),
      changed: numbers(changed).map(String),
      removed: removed.map(String),
    });
  }

  /** Stops a service's tasks, so that two never work for one service; its gateway stays open for a while. */
  async #end(number: bigint): Promise<void> {
    const service = this.#services.get(number);
    if (service === undefined) return;
    await service.stopTasks().catch((error: unknown) => {
      this.#dependencies.log.warn("a service's tasks could not be stopped", {
        service: number,
        error,
      });
    });
    this.#services.delete(number);
    const { promise: closing, resolve } = Promise.withResolvers<undefined>();
    const hurry = new AbortController();
    const done = this.#leave(service, hurry.signal, () => {
      resolve(undefined);
    });
    this.#leaving.set(service, { hurry, closing, done });
  }

  /** Closes the ports of services that are left and whose port another one needs; running responses may end. */
  async #free(ports: ReadonlySet<number>): Promise<void> {
    const inTheWay = [...this.#leaving].filter(([{ plan }]) => {
      const { port } = plan.settings.listen;
      return port !== 0 && ports.has(port);
    });
    for (const [, { hurry }] of inTheWay) hurry.abort();
    await Promise.all(inTheWay.map(([, { closing }]) => closing));
  }

  /** @param closing Called when the gateway does not listen any more; its responses may still run. */
  async #leave(service: HostedService, hurry: AbortSignal, closing: () => void): Promise<void> {
    const { timers, log, metrics } = this.#dependencies;
    const { number, graceMs = this.#graceMs } = service.plan.settings;
    const signal = AbortSignal.any([hurry, this.#stopping.signal]);
    await timers.sleep(graceMs, signal).catch(() => undefined);
    try {
      const stopped = service.stopFront();
      closing();
      await stopped;
      log.info("a service was left", { service: number });
    } catch (error) {
      log.warn("a service could not be left", { service: number, error });
    }
    this.#leaving.delete(service);
    const others = [...this.#services.values(), ...this.#leaving.keys()];
    const isGone = others.every(({ plan }) => plan.settings.number !== number);
    if (isGone) metrics.forget(number.toString());
  }

  #host(plan: ServicePlan): HostedService {
    const { make, hasChain, timers, metrics } = this.#dependencies;
    const { number } = plan.settings;
    const log = this.#dependencies.log.child({ service: number });
    const counted = metrics.of(number.toString());
    const service = new HostedService(plan, {
      make: (each) => make(each, log, counted),
      ready: this.#ready.promise,
      endsAgent: () => this.#endsWithFirst(),
      ...{ hasChain, timers, log, metrics: counted },
    });
    this.#services.set(number, service);
    return service;
  }

  #say(message: string, fields: object): void {
    const failed = [...this.#services.values()].filter(({ failure }) => failure !== undefined);
    this.#dependencies.log.info(message, {
      services: this.#services.size,
      ...fields,
      failed: failed.length,
    });
  }
}
