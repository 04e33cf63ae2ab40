import type { Hex } from "viem";
import type { Directory, ServiceFacts } from "../chain/directory.ts";
import type { Arrival, RecordNetwork } from "../coral/network.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { EpochTiming } from "../protocol/epoch.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import type { Domain } from "../protocol/typedData.ts";
import type { Answer, Change, Resolver } from "./answer.ts";
import { droppedByRule, MAX_HOPS, resolverLoop } from "./errors.ts";
import { Holdings } from "./cache/holdings.ts";
import { numberOfId } from "./ids.ts";
import { resolverLimits, type ResolverLimits } from "./limits.ts";
import type { ResolverLoad, ResolverObserver } from "./metrics.ts";
import { named, Names } from "./lookup/names.ts";
import { OnDemandLookup, type LookupTask } from "./lookup/onDemandLookup.ts";
import { drawOrder, type Random } from "./order.ts";
import { RecordLookup, type AnnouncedRecords } from "./lookup/recordLookup.ts";
import type { ForwardingClient } from "./lookup/remote.ts";
import { verdictWeight } from "./select.ts";
import type { Rule } from "./table/rule.ts";
import type { ServiceTable } from "./table/serviceTable.ts";
import { tableAnswer } from "./table/answer.ts";
import { Watchers } from "./watchers.ts";

/** Interval between checks for expired answers, milliseconds. */
const TICK_MS = 1_000;

export interface ServiceResolverOptions {
  /** Distinguishes resolvers that forward to one another; random for each process. */
  id: string;
  domain: Domain;
  /** If set, verdicts are read again when an epoch is final; otherwise only together with records. */
  timing?: EpochTiming;
  limits?: Partial<ResolverLimits>;
}

export interface ServiceResolverDependencies {
  directory: Directory;
  network: RecordNetwork;
  announcements: AnnouncedRecords;
  table: ServiceTable;
  /** Client of the resolvers that rules forward to. */
  remote: ForwardingClient;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
  timers: Timers;
  log: Logger;
  metrics: ResolverObserver;
  random?: Random;
}

/**
 * Looks up services: in the service table, then among held answers, then on chain and in the record network
 * concurrently. Held answers follow the changes that registry and record network report, and are served until
 * their lease ends, even if neither can be reached.
 */
export class ServiceResolver implements Resolver, Startable {
  readonly #id: string;
  readonly #directory: Directory;
  readonly #network: RecordNetwork;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #table: ServiceTable;
  readonly #metrics: ResolverObserver;
  readonly #random: Random;
  readonly #watchers: Watchers;
  readonly #held: Holdings;
  readonly #names: Names;
  readonly #lookup: RecordLookup;
  readonly #onDemand: OnDemandLookup;
  readonly #stopping = new AbortController();
  #unlisten: (() => void)[] = [];
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ServiceResolverOptions, dependencies: ServiceResolverDependencies) {
    const { id, domain, timing } = options;
    const limits = { ...resolverLimits, ...options.limits };
    const random = dependencies.random ?? Math.random;
    this.#id = id;
    this.#directory = dependencies.directory;
    this.#network = dependencies.network;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#now = dependencies.now;
    this.#table = dependencies.table;
    this.#metrics = dependencies.metrics;
    this.#random = random;
    this.#watchers = new Watchers(limits.watchers, dependencies.log);
    const watchers = this.#watchers;
    // Watched services take no room from the others.
    const capacity = limits.entries + limits.watchers;
    this.#held = new Holdings({ capacity, timing }, { ...dependencies, random, watchers });
    this.#names = new Names({ domain, limits }, dependencies);
    this.#lookup = new RecordLookup({ domain }, dependencies);
    this.#onDemand = new OnDemandLookup(
      { id, limits },
      { ...dependencies, held: this.#held, lookup: this.#lookup },
    );
  }

  async start(): Promise<void> {
    const directory = this.#directory;
    const network = this.#network;
    this.#unlisten = [
      directory.onChange((number) => {
        this.#changed(number);
      }),
      directory.onLabel((label) => {
        this.#names.taken(label);
      }),
      network.onArrival((arrival) => {
        this.#arrived(arrival);
      }),
    ];
    this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
    this.#names.stop();
    await this.#onDemand.stop();
    await this.#loop;
  }

  /** The resolver's load. */
  get load(): ResolverLoad {
    const [ids, names] = [this.#onDemand.load, this.#names.load];
    return {
      entries: this.#held.size,
      failures: ids.failures + names.failures,
      waiting: ids.waiting + names.waiting,
      watchers: this.#watchers.size,
    };
  }

  lookup(serviceId: Hex): Answer | undefined {
    const now = this.#now();
    const answer = this.#atOnce(serviceId, now);
    if (answer !== undefined) return answer;
    const { rule, only } = this.#table.match(serviceId);
    const known = this.#byRule(serviceId, rule, only, now);
    if (known !== undefined) rule.matches += 1;
    return known;
  }

  lookupName(name: string): Answer | undefined {
    const known = this.#names.get(name);
    const answer = known && this.lookup(known.serviceId);
    return answer && named(known, answer);
  }

  async resolve(
    name: string,
    options: {
      signal?: AbortSignal;
      hops?: readonly string[];
      newerThan?: number | undefined;
    } = {},
  ): Promise<Answer> {
    const { signal, hops = [], newerThan } = options;
    try {
      if (hops.includes(this.#id) || hops.length > MAX_HOPS) throw resolverLoop(hops);
      const known = await this.#names.find(name, signal);
      const { serviceId } = known;
      const answer = await this.#resolveId(serviceId, hops, signal);
      const isNew = newerThan === undefined || answer.issuedAt > newerThan;
      if (isNew || answer.source === "table") return named(known, answer);
      const task = { rule: this.#table.match(serviceId).rule, hops };
      return named(known, await this.#onDemand.again(serviceId, task, signal));
    } catch (error) {
      if (error instanceof BlockcloudError) this.#metrics.failed(error.code);
      throw error;
    }
  }

  watch(serviceId: Hex, listener: (change: Change) => void): () => void {
    return this.#watchers.watch(serviceId, listener);
  }

  watchAll(listener: (serviceId: Hex, change: Change) => void): () => void {
    return this.#watchers.watchAll(listener);
  }

  /**
   * The fast path: the answer is held, needs no renewal, and the table is unchanged since the last lookup.
   */
  #atOnce(serviceId: Hex, now: number): Answer | undefined {
    const entry = this.#held.get(serviceId);
    if (entry === undefined || Math.floor(now / 1000) >= entry.calmUntil) return undefined;
    const { rule } = entry;
    if (rule === undefined || entry.tableVersion !== this.#table.version) return undefined;
    entry.used = 1;
    rule.matches += 1;
    this.#metrics.hits += 1;
    return entry.next(this.#random);
  }

  /** The answer that a rule gives without waiting. */
  #byRule(serviceId: Hex, rule: Rule, only: boolean, now: number): Answer | undefined {
    const { action } = rule;
    if (action.kind === "drop") return undefined;
    if (action.kind === "endpoints" || action.kind === "demux") {
      const facts = this.#knownFacts(serviceId);
      this.#metrics.hits += 1;
      return tableAnswer(serviceId, action, { now, facts, random: this.#random });
    }
    if (action.kind === "services") {
      // Only if all of them are held: otherwise the services that were resolved first would get all lookups.
      if (!action.services.every((id) => this.#held.inForce(id, now))) return undefined;
      const [first] = this.#byVerdict(action.services);
      return first && this.#heldAnswer(first, now);
    }
    const answer = this.#heldAnswer(serviceId, now);
    const entry = this.#held.get(serviceId);
    if (only && entry) [entry.rule, entry.tableVersion] = [rule, this.#table.version];
    return answer;
  }

  #heldAnswer(serviceId: Hex, now: number): Answer | undefined {
    const entry = this.#held.inForce(serviceId, now);
    if (entry === undefined) return undefined;
    this.#metrics.hits += 1;
    if (now >= entry.refreshAt) this.#onDemand.renewSoon(serviceId);
    return entry.next(this.#random);
  }

  async #resolveId(
    serviceId: Hex,
    hops: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const now = this.#now();
    const answer = this.#atOnce(serviceId, now);
    if (answer !== undefined) return answer;
    const { rule, only } = this.#table.match(serviceId);
    rule.matches += 1;
    const known = this.#byRule(serviceId, rule, only, now);
    if (known !== undefined) return known;
    const { action } = rule;
    if (action.kind === "drop") {
      rule.drops += 1;
      throw droppedByRule(serviceId, rule.id);
    }
    if (action.kind === "services") return this.#firstOf(action.services, { rule, hops }, signal);
    return this.#onDemand.wait(serviceId, { rule, hops }, signal);
  }

  /** The first of several services that can be resolved, in an order drawn by their verdicts. */
  async #firstOf(
    services: readonly Hex[],
    errand: LookupTask,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    await this.#onDemand.learnFacts(services, signal);
    let failure: unknown;
    for (const id of this.#byVerdict(services)) {
      try {
        // Without the table, so that rules that replace services by one another do not form a circle.
        return this.#heldAnswer(id, this.#now()) ?? (await this.#onDemand.wait(id, errand, signal));
      } catch (error) {
        signal?.throwIfAborted();
        failure ??= error;
      }
    }
    throw failure;
  }

  #byVerdict(services: readonly Hex[]): Hex[] {
    const weighted = services.map((id) => ({ id, weight: verdictWeight(this.#knownFacts(id)) }));
    return drawOrder(weighted, this.#random).map(({ id }) => id);
  }

  #knownFacts(serviceId: Hex): ServiceFacts | undefined {
    return this.#directory.knownFacts(numberOfId(serviceId));
  }

  #changed(number: bigint): void {
    this.#onDemand.changed(number);
    this.#names.changed(number);
    const watched = this.#held.forgetFamily(rootServiceId(number));
    for (const serviceId of watched) this.#onDemand.renewSoon(serviceId);
  }

  #arrived(arrival: Arrival): void {
    if (arrival.kind === "dropped") {
      this.#changed(arrival.number);
      return;
    }
    const serviceId = arrival.serviceId.toLowerCase() as Hex;
    if (arrival.kind === "name") {
      this.#names.changed(numberOfId(serviceId));
      return;
    }
    this.#onDemand.published(serviceId);
    const entry = this.#held.get(serviceId);
    if (arrival.kind === "revocation") {
      const issuedAt = entry?.seen?.delegation?.issuedAt;
      if (issuedAt === undefined || issuedAt > arrival.revocation.revocation.issuedAt) return;
      this.#held.forget(serviceId);
      this.#onDemand.renewSoon(serviceId);
      return;
    }
    if (entry?.answer === undefined && !this.#watchers.names(serviceId)) return;
    const facts = this.#knownFacts(serviceId);
    const checked = arrival.record;
    if (facts?.status !== "Active" || !this.#lookup.holds(checked, facts)) {
      // The facts may have been evicted, or may be newer than the record.
      this.#onDemand.renewSoon(serviceId);
      return;
    }
    this.#held.take(serviceId, { checked, facts, source: "coral", superseded: false });
    this.#metrics.pushed();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#timers.sleep(TICK_MS, signal);
        for (const serviceId of this.#held.expire()) this.#onDemand.renewSoon(serviceId);
        this.#metrics.load(this.load);
      } catch (error) {
        if (!signal.aborted) this.#log.error("the resolver's round failed", { error });
      }
    }
  }
}
