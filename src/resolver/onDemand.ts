import type { Hex } from "viem";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { resolveErrors, type Answer } from "./answer.ts";
import { BackgroundQueue } from "./backgroundQueue.ts";
import { DelayQueue } from "./delayQueue.ts";
import { isLasting } from "./errors.ts";
import type { Holdings } from "./holdings.ts";
import { numberOfId } from "./ids.ts";
import type { ResolverLimits } from "./limits.ts";
import type { ResolverObserver } from "./metrics.ts";
import { NegativeCache } from "./negativeCache.ts";
import type { Found, RecordLookUp } from "./recordLookUp.ts";
import type { ForwardingClient } from "./remote.ts";
import type { Rule } from "./table/rule.ts";
import type { ServiceTable } from "./table/serviceTable.ts";

/** Under which rule, and after which other resolvers, a service is looked up. */
export interface Errand {
  rule: Rule;
  hops: readonly string[];
}

interface OnDemandDependencies {
  held: Holdings;
  lookUp: RecordLookUp;
  remote: ForwardingClient;
  table: ServiceTable;
  now: () => number;
  timers: Timers;
  log: Logger;
  metrics: ResolverObserver;
}

/** DELAY: look-ups that need chain and network, or another resolver; and those that renew what is held. */
export class OnDemand {
  readonly #id: string;
  readonly #d: OnDemandDependencies;
  readonly #failures: NegativeCache;
  readonly #queue: DelayQueue<Answer>;
  readonly #factsQueue: DelayQueue<unknown>;
  readonly #renewals: BackgroundQueue;
  /** Look-ups under way; void when the registry tells of their service meanwhile. */
  readonly #running = new Set<{ number: bigint; void: boolean }>();

  /** @param options.id This resolver's, for those that it forwards to. */
  constructor(options: { id: string; limits: ResolverLimits }, dependencies: OnDemandDependencies) {
    const { limits } = options;
    this.#id = options.id;
    this.#d = dependencies;
    this.#failures = new NegativeCache({ capacity: limits.failures, ttlMs: limits.failureMs });
    this.#queue = new DelayQueue(limits, dependencies.timers);
    this.#factsQueue = new DelayQueue(limits, dependencies.timers);
    this.#renewals = new BackgroundQueue(
      { atOnce: limits.renewals, waiting: limits.entries },
      (id) => this.#renew(id as Hex),
    );
  }

  async stop(): Promise<void> {
    this.#queue.close();
    this.#factsQueue.close();
    await this.#renewals.stop();
  }

  /** Callers that wait, and failures that are remembered. */
  get load(): { waiting: number; failures: number } {
    return { waiting: this.#queue.waiting, failures: this.#failures.size };
  }

  /**
   * Waits, with all others who want the same, for what is found.
   *
   * @throws BlockcloudError with a code of `resolveErrors`.
   */
  async wait(serviceId: Hex, errand: Errand, signal: AbortSignal | undefined): Promise<Answer> {
    const { rule, hops } = errand;
    const failure = this.#failures.get(serviceId, this.#d.now());
    if (failure !== undefined) throw failure;
    // Look-ups that came different ways do not wait for one another: in a circle none would ever end.
    const way = rule.action.kind === "resolver" ? `${rule.id}>${hops.join(">")}>` : "";
    const fetch = (over: AbortSignal) => this.#fetch(serviceId, errand, false, over);
    try {
      return await this.#queue.run(`${way}${serviceId}`, fetch, signal);
    } catch (error) {
      const { busy } = resolveErrors;
      if (error instanceof BlockcloudError && error.code === busy) rule.drops += 1;
      throw error;
    }
  }

  /** Has the directory know what the chain says of services; who is unknown or inactive, shows later. */
  async learnFacts(services: readonly Hex[], signal: AbortSignal | undefined): Promise<void> {
    const learn = (id: Hex) => (over: AbortSignal) =>
      this.#d.lookUp.activeFacts(numberOfId(id), over);
    await Promise.allSettled(services.map((id) => this.#factsQueue.run(id, learn(id), signal)));
    signal?.throwIfAborted();
  }

  /** Looks a service up anew, when there is time. */
  renewSoon(serviceId: Hex): void {
    this.#d.held.postpone(serviceId);
    this.#renewals.add(serviceId);
  }

  /** What was said of a service and its sub-services may hold no more. */
  changed(number: bigint): void {
    for (const running of this.#running) if (running.number === number) running.void = true;
    this.#failures.forget({ number });
  }

  /** Something was published. */
  published(serviceId: Hex): void {
    this.#failures.delete(serviceId);
  }

  /** Looks up, again where the registry told of the service meanwhile, and holds what was found. */
  async #fetch(serviceId: Hex, errand: Errand, ask: boolean, signal: AbortSignal): Promise<Answer> {
    const number = numberOfId(serviceId);
    const { timers, held, metrics, now } = this.#d;
    const began = timers.monotonic();
    for (;;) {
      const running = { number, void: false };
      this.#running.add(running);
      try {
        const found = await this.#find(serviceId, errand, ask, signal);
        signal.throwIfAborted();
        if (running.void) continue;
        this.#failures.delete(serviceId);
        metrics.fetched((timers.monotonic() - began) / 1000);
        return held.take(serviceId, found);
      } catch (error) {
        signal.throwIfAborted();
        if (running.void) continue;
        if (isLasting(error)) this.#failures.set(serviceId, error, now(), { number });
        throw error;
      } finally {
        this.#running.delete(running);
      }
    }
  }

  #find(serviceId: Hex, errand: Errand, ask: boolean, signal: AbortSignal): Promise<Found> {
    const { rule, hops } = errand;
    const { lookUp, remote, held } = this.#d;
    if (rule.action.kind === "resolver") {
      return remote.resolve(rule.action.url, serviceId, [...hops, this.#id], signal);
    }
    return lookUp.find(serviceId, { seen: held.get(serviceId)?.seen, ask }, signal);
  }

  /** What cannot be had now leaves what is held as it is, unless the chain says that it must go. */
  async #renew(serviceId: Hex): Promise<void> {
    const { held, table, log, now } = this.#d;
    const errand = { rule: table.match(serviceId).rule, hops: [] };
    const ask = held.isToAsk(serviceId);
    const fetch = (over: AbortSignal) => this.#fetch(serviceId, errand, ask, over);
    try {
      await this.#queue.run(`renew ${serviceId}`, fetch);
    } catch (error) {
      const reason = error instanceof BlockcloudError ? error : undefined;
      const isHeld = held.inForce(serviceId, now()) !== undefined;
      const { noRecord, stale } = resolveErrors;
      const mustGo = isLasting(error) && error.code !== noRecord && error.code !== stale;
      if (reason !== undefined && (mustGo || !isHeld)) held.drop(serviceId, reason);
      log.debug("cannot renew what is held", { serviceId, error });
    }
  }
}
