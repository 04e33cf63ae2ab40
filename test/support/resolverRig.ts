import { setImmediate as turn } from "node:timers/promises";
import type { Hex } from "viem";
import type { Directory, ServiceFacts } from "../../src/chain/directory.ts";
import type { Arrival, VerifiedName, RecordNetwork } from "../../src/coral/network.ts";
import { checkRecord, type VerifiedRecord } from "../../src/protocol/checkRecord.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { nameRecords } from "../../src/protocol/nameRecord.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { silentObserver } from "../../src/resolver/metrics.ts";
import type { ForwardingClient } from "../../src/resolver/lookup/remote.ts";
import {
  ServiceResolver,
  type ServiceResolverDependencies,
  type ServiceResolverOptions,
} from "../../src/resolver/serviceResolver.ts";
import { ServiceTable } from "../../src/resolver/table/serviceTable.ts";
import { domain, START } from "./coralKit.ts";
import { FakeTimers } from "./fakeTime.ts";
import { MemoryLog } from "./memoryLog.ts";

/** What the chain says, as a test sets it. */
export class FakeDirectory implements Directory {
  readonly services = new Map<bigint, ServiceFacts>();
  readonly labels = new Map<string, bigint>();
  readonly #known = new Map<bigint, ServiceFacts>();
  readonly #changed = new Set<(number: bigint) => void>();
  readonly #labelled = new Set<(label: string, number: bigint) => void>();
  /** Set while the chain cannot be asked. */
  away = false;
  /** Set, reads wait for it. */
  gate: Promise<void> | undefined;
  asked = 0;

  /** Registers or changes a service without notifying listeners. */
  set(number: bigint, key: Uint8Array, rest: Partial<ServiceFacts> = {}): void {
    this.services.set(number, {
      ...{ number, status: "Active", key: addressOfKey(key), stake: 1000n, verdicts: [] },
      ...{ block: 1n, ...rest },
    });
  }

  /** Tells that a service changed, as the registry's events do. */
  tell(number: bigint): void {
    this.#known.delete(number);
    for (const listener of this.#changed) listener(number);
  }

  /** Gives a service a label, and tells. */
  label(label: string, number: bigint): void {
    this.labels.set(label, number);
    for (const listener of this.#labelled) listener(label, number);
  }

  async rootKey(number: bigint) {
    const facts = await this.facts(number);
    return facts && { key: facts.key, active: facts.status === "Active" };
  }

  async facts(number: bigint): Promise<ServiceFacts | undefined> {
    this.asked += 1;
    if (this.away) throw unreachableChain();
    const facts = this.services.get(number);
    await this.gate;
    if (facts !== undefined) this.#known.set(number, facts);
    return facts;
  }

  knownFacts(number: bigint): ServiceFacts | undefined {
    return this.#known.get(number);
  }

  async numberOf(label: string): Promise<bigint | undefined> {
    if (this.away) throw unreachableChain();
    return this.labels.get(label);
  }

  onChange(listener: (number: bigint) => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  onLabel(listener: (label: string, number: bigint) => void): () => void {
    this.#labelled.add(listener);
    return () => this.#labelled.delete(listener);
  }

  /** Listeners that were not removed. */
  get listeners(): number {
    return this.#changed.size + this.#labelled.size;
  }
}

function unreachableChain(): BlockcloudError {
  return new BlockcloudError("CHAIN_UNREACHABLE", "No endpoint answers.", { retryable: true });
}

/** A record network that holds what a test has put there. */
export class FakeNetwork implements RecordNetwork {
  readonly #now: () => number;
  /** What this node holds. */
  readonly held = new Map<Hex, VerifiedRecord>();
  /** What the others hold: a find brings it. */
  readonly elsewhere = new Map<Hex, VerifiedRecord>();
  readonly names = new Map<string, VerifiedName>();
  readonly revoked = new Map<Hex, bigint>();
  readonly finds: Hex[] = [];
  readonly #listeners = new Set<(arrival: Arrival) => void>();
  peers = 3;
  readonly alone = false;
  /** Set, finds wait for it. */
  gate: Promise<void> | undefined;
  /** What a find throws. */
  failure: Error | undefined;
  aborted = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  publish(): Promise<{ peers: number; stored: Promise<number> }> {
    return Promise.reject(new Error("a resolver publishes nothing"));
  }

  /** Keeps a record of a service of this key, and tells of it, as a push does. */
  push(encoded: Hex, rootKey: Uint8Array): void {
    const record = checked(encoded, rootKey, this.#now());
    const serviceId = record.record.serviceId;
    this.held.set(serviceId, record);
    this.arrive({ kind: "endpoint", serviceId, record });
  }

  /** Keeps a record at the others. */
  put(encoded: Hex, rootKey: Uint8Array): void {
    const record = checked(encoded, rootKey, this.#now());
    this.elsewhere.set(record.record.serviceId, record);
  }

  /** Keeps a name. */
  putName(encoded: Hex): void {
    const { message, digest } = nameRecords.read(encoded, domain);
    this.names.set(`${message.root} ${message.label}`, { encoded, record: message, digest });
  }

  arrive(arrival: Arrival): void {
    for (const listener of this.#listeners) listener(arrival);
  }

  record(serviceId: Hex): VerifiedRecord | undefined {
    const record = this.held.get(serviceId);
    return record !== undefined && record.record.expiresAt > this.#now() ? record : undefined;
  }

  async find(serviceId: Hex, signal: AbortSignal): Promise<VerifiedRecord | undefined> {
    this.finds.push(serviceId);
    const aborted = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => {
      aborted.reject(signal.reason);
    });
    // The result is not awaited once the find is over.
    aborted.promise.catch(() => {});
    try {
      await Promise.race([this.gate, aborted.promise]);
    } catch (error) {
      this.aborted += 1;
      throw error;
    }
    if (this.failure !== undefined) throw this.failure;
    const found = this.peers > 0 ? this.elsewhere.get(serviceId) : undefined;
    if (found !== undefined && found.record.expiresAt > this.#now())
      this.held.set(serviceId, found);
    return this.record(serviceId);
  }

  async findName(root: Hex, label: string): Promise<VerifiedName | undefined> {
    if (this.failure !== undefined) throw this.failure;
    return this.names.get(`${root} ${label}`);
  }

  revokedUpTo(serviceId: Hex): bigint | undefined {
    return this.revoked.get(serviceId);
  }

  onArrival(listener: (arrival: Arrival) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}

function checked(encoded: Hex, rootKey: Uint8Array, now: number): VerifiedRecord {
  return checkRecord(encoded, { domain, now, rootKey: addressOfKey(rootKey) });
}

/** Announcements that a test makes. */
export class FakeAnnouncements {
  readonly records = new Map<bigint, Hex>();
  refreshed = 0;

  announced(number: bigint): { encoded: Hex } | undefined {
    const encoded = this.records.get(number);
    return encoded === undefined ? undefined : { encoded };
  }

  async refresh(): Promise<void> {
    this.refreshed += 1;
    return Promise.resolve();
  }
}

/** A resolver with a chain, a network and a clock that a test moves. */
export class ResolverRig {
  readonly timers = new FakeTimers();
  readonly now = () => START + this.timers.monotonic();
  readonly directory = new FakeDirectory();
  readonly network = new FakeNetwork(this.now);
  readonly announcements = new FakeAnnouncements();
  readonly log = new MemoryLog();
  readonly metrics = silentObserver();
  readonly table: ServiceTable;
  readonly resolver: ServiceResolver;
  /** What draws give: 0 unless a test says otherwise. */
  draw: () => number = () => 0;

  constructor(
    options: Partial<ServiceResolverOptions> = {},
    dependencies: Partial<ServiceResolverDependencies> = {},
  ) {
    const random = () => this.draw();
    this.table = new ServiceTable(random);
    this.resolver = new ServiceResolver(
      { id: "self", domain, ...options },
      {
        ...{ directory: this.directory, network: this.network, table: this.table },
        ...{ announcements: this.announcements, remote: noRemote, now: this.now },
        ...{ timers: this.timers, log: this.log, metrics: this.metrics, random },
        ...dependencies,
      },
    );
  }

  /** Lets all pending work run that can run now. */
  async settle(): Promise<void> {
    for (let index = 0; index < 5; index += 1) await turn();
  }
}

const noRemote: ForwardingClient = {
  resolve: () => Promise.reject(new BlockcloudError("RESOLVER_UNREACHABLE", "There is none.")),
};
