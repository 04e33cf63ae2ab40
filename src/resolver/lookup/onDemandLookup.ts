import type { Hex } from "viem";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { resolveErrors, type Answer } from "../answer.ts";
import { BackgroundQueue } from "./backgroundQueue.ts";
import { DelayQueue } from "./delayQueue.ts";
import { isLasting } from "../errors.ts";
import type { Holdings } from "../cache/holdings.ts";
import { numberOfId } from "../ids.ts";
import type { ResolverLimits } from "../limits.ts";
import type { ResolverObserver } from "../metrics.ts";
import { NegativeCache } from "../cache/negativeCache.ts";
import type { FoundRecord, RecordLookup } from "./recordLookup.ts";
import type { ForwardingClient } from "./remote.ts";
import type { Rule } from "../table/rule.ts";
import type { ServiceTable } from "../table/serviceTable.ts";

/** The rule of a lookup, and the resolvers that forwarded it. */
export interface LookupTask {
  rule: Rule;
  hops: readonly string[];
}

interface OnDemandDependencies {
  held: Holdings;
  lookup: RecordLookup;
  remote: ForwardingClient;
  table: ServiceTable;
  now: () => number;
  timers: Timers;
  log: Logger;
  metrics: ResolverObserver;
}

/**
 * Lookups for the action DELAY, which need chain and record network or another resolver, and renewals of held
 * answers.
 */
export class OnDemandLookup {
  readonly #id: string;
  readonly #held: Holdings;
  readonly #lookup: RecordLookup;
  readonly #remote: ForwardingClient;
  readonly #table: ServiceTable;
  readonly #now: () => number;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #metrics: ResolverObserver;
  readonly #failures: NegativeCache;
  readonly #queue: DelayQueue<Answer>;
  readonly #factsQueue: DelayQueue<unknown>;
  readonly #renewals: BackgroundQueue;
  /** Running lookups; `void` is set if the registry reports a change of the service meanwhile. */
  readonly #running = new Set<{ number: bigint; void: boolean }>();

  /** @param options.id This resolver's ID, for resolvers that it forwards to. */
  constructor(options: { id: string; limits: ResolverLimits }, dependencies: OnDemandDependencies) {
    const { limits } = options;
    this.#id = options.id;
    this.#held = dependencies.held;
    this.#lookup = dependencies.lookup;
    this.#remote = dependencies.remote;
    this.#table = dependencies.table;
    this.#now = dependencies.now;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
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
   * Looks up a service. Concurrent callers share one lookup.
   *
   * @throws BlockcloudError with a code of `resolveErrors`.
   */
  async wait(serviceId: Hex, errand: LookupTask, signal: AbortSignal | undefined): Promise<Answer> {
    const { rule, hops } = errand;
    const failure = this.#failures.get(serviceId, this.#now());
    if (failure !== undefined) throw failure;
    // Lookups that were forwarded on different paths do not share one lookup: in a circle they would wait for
    // one another for ever.
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

  /** Looks up a service although its answer is held: the record network is asked. Concurrent callers share this. */
  again(serviceId: Hex, task: LookupTask, signal: AbortSignal | undefined): Promise<Answer> {
    const fetch = (over: AbortSignal) => this.#fetch(serviceId, task, true, over);
    return this.#queue.run(`again ${serviceId}`, fetch, signal);
  }

  /**
   * Loads the state of services on chain into the directory. Unknown and inactive services are reported
   * later.
   */
  async learnFacts(services: readonly Hex[], signal: AbortSignal | undefined): Promise<void> {
    const learn = (id: Hex) => (over: AbortSignal) =>
      this.#lookup.activeFacts(numberOfId(id), over);
    await Promise.allSettled(services.map((id) => this.#factsQueue.run(id, learn(id), signal)));
    signal?.throwIfAborted();
  }

  /** Renews the answer of a service in the background. */
  renewSoon(serviceId: Hex): void {
    this.#held.postpone(serviceId);
    this.#renewals.add(serviceId);
  }

  /** A service changed: answers of it and of its sub-services may no longer be valid. */
  changed(number: bigint): void {
    for (const running of this.#running) if (running.number === number) running.void = true;
    this.#failures.forget({ number });
  }

  /** A record was published. */
  published(serviceId: Hex): void {
    this.#failures.delete(serviceId);
  }

  /** Looks up a service, again if the registry reported a change meanwhile, and holds the result. */
  async #fetch(
    serviceId: Hex,
    errand: LookupTask,
    ask: boolean,
    signal: AbortSignal,
  ): Promise<Answer> {
    const number = numberOfId(serviceId);
    const timers = this.#timers;
    const held = this.#held;
    const metrics = this.#metrics;
    const now = this.#now;
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

  #find(
    serviceId: Hex,
    errand: LookupTask,
    ask: boolean,
    signal: AbortSignal,
  ): Promise<FoundRecord> {
    const { rule, hops } = errand;
    const lookup = this.#lookup;
    const remote = this.#remote;
    const held = this.#held;
    if (rule.action.kind === "resolver") {
      return remote.resolve(rule.action.url, serviceId, [...hops, this.#id], signal);
    }
    return lookup.find(serviceId, { seen: held.get(serviceId)?.seen, ask }, signal);
  }

  /** A failed renewal keeps the held answer, unless the chain says that the answer is no longer valid. */
  async #renew(serviceId: Hex): Promise<void> {
    const held = this.#held;
    const table = this.#table;
    const log = this.#log;
    const now = this.#now;
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
