import { isAddressEqual, type Address, type Hex } from "viem";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import { withSignal, type Scheduler } from "../../node/scheduler.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { instanceLeases } from "../../protocol/instanceLease.ts";
import { readRecord, type Endpoint } from "../../protocol/record.ts";
import type { Domain } from "../../protocol/typedData.ts";
import type { Whereabouts } from "../publish/whereabouts.ts";
import type { ProviderStore } from "../store.ts";

/** Interval between checks for changes, milliseconds: the longest delay of a move. */
const TICK_MS = 100;
/** Pause before the publisher is asked again, while its record does not name this instance, milliseconds. */
const UNNAMED_MS = 250;
/** Pause after all publishers have refused or were silent, milliseconds. */
const RETRY_MS = 1_000;
/**
 * Lease, and interval of its renewal, milliseconds: a publisher leaves a silent instance out after that, and one that
 * takes another's place learns of this instance within an interval.
 */
const LEASE_MS = 20_000;
const RENEW_MS = 5_000;
/** Time limit of one publisher, milliseconds. */
const HAND_IN_MS = 2_000;

export interface JoinerOptions {
  serviceId: Hex;
  /** `0x` and 16 digits. */
  instance: Hex;
  /** Signs leases; the publisher's records have the same signer. */
  key: Uint8Array;
  signer: Address;
  domain: Domain;
  /** The publisher, and those that may take its place: the first that answers counts. */
  publishers: readonly URL[];
}

export interface JoinerDependencies {
  whereabouts: Pick<Whereabouts, "endpoints" | "follow">;
  store: Pick<ProviderStore, "changed" | "concludeMove">;
  handIn(publisher: URL, lease: Hex, signal: AbortSignal): Promise<Hex | undefined>;
  /** Tells connected clients a record with other endpoints of this instance. */
  moved(record: Hex): void;
  /** Whether another process of this instance goes on: then the record keeps its name. */
  isSucceeded(): boolean;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  timers: Timers;
  clock: Scheduler;
  log: Logger;
}

interface Move {
  id: number;
  graceMs: number | undefined;
  began: number;
}

/** Keeps this instance in the record that another instance publishes, and follows its moves. */
export class Joiner implements Startable {
  readonly #options: JoinerOptions;
  readonly #dependencies: JoinerDependencies;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #told: readonly Endpoint[] = [];
  #issuedAt = 0;
  /** When the lease is handed in again, by the chain's time. */
  #dueAt = 0;
  #isNamed = false;
  #wasNamed = false;
  #hasFailed = false;
  #move: Move | undefined;

  constructor(options: JoinerOptions, dependencies: JoinerDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** Joins at once. A publisher that is silent does not stop the service. */
  async start(): Promise<void> {
    await this.#tick();
    this.#loop = this.#run();
  }

  /** Leaves the record, unless another process of this instance goes on: the publisher is told. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    if (this.#told.length === 0 || this.#dependencies.isSucceeded()) return;
    try {
      await this.#handIn([], new AbortController().signal);
    } catch (error) {
      this.#dependencies.log.warn("the publisher was not told that this instance leaves", {
        error,
      });
    }
  }

  async #run(): Promise<void> {
    const { timers, log } = this.#dependencies;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await timers.sleep(TICK_MS, signal);
        await this.#tick();
      } catch (error) {
        if (!signal.aborted) log.error("joining failed", { error });
      }
    }
  }

  async #tick(): Promise<void> {
    const { store, whereabouts, timers, now, log } = this.#dependencies;
    const move = store.changed() ? await whereabouts.follow() : undefined;
    if (move !== undefined) this.#move = { ...move, began: timers.monotonic() };
    const endpoints = whereabouts.endpoints();
    const isOther = JSON.stringify(endpoints) !== JSON.stringify(this.#told);
    if (!isOther && now() < this.#dueAt) return;
    if (isOther) this.#isNamed = false;
    try {
      const record = await this.#handIn(endpoints, this.#stopping.signal);
      this.#told = endpoints;
      this.#hasFailed = false;
      this.#answered(record, endpoints);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      if (!this.#hasFailed) log.warn("no publisher has taken the lease, trying again", { error });
      this.#hasFailed = true;
      this.#dueAt = now() + RETRY_MS;
      // Tried again when that is due, and not at each look.
      this.#told = endpoints;
    }
  }

  /** The publisher has taken the lease, and says what its record is. */
  #answered(record: Hex | undefined, endpoints: readonly Endpoint[]): void {
    const { now, log, moved } = this.#dependencies;
    const isNamed = record !== undefined && this.#names(record, endpoints);
    this.#dueAt = now() + (isNamed ? RENEW_MS : UNNAMED_MS);
    if (!isNamed || this.#isNamed) return;
    this.#isNamed = true;
    log.info("the record names this instance", { endpoints: endpoints.map(({ uri }) => uri) });
    if (this.#wasNamed) moved(record);
    this.#wasNamed = true;
    this.#conclude(endpoints);
  }

  #names(record: Hex, endpoints: readonly Endpoint[]): boolean {
    const { serviceId, signer, domain } = this.#options;
    try {
      const read = readRecord(record, domain);
      const isOwn =
        isAddressEqual(read.signer, signer) &&
        read.record.serviceId.toLowerCase() === serviceId.toLowerCase();
      const named = read.record.endpoints.map(({ uri }) => uri);
      return isOwn && endpoints.every(({ uri }) => named.includes(uri));
    } catch (error) {
      if (!(error instanceof BlockcloudError)) throw error;
      this.#dependencies.log.warn("the publisher's answer is no record", { error });
      return false;
    }
  }

  #conclude(endpoints: readonly Endpoint[]): void {
    const move = this.#move;
    if (move === undefined) return;
    this.#move = undefined;
    const { store, timers } = this.#dependencies;
    const milliseconds = timers.monotonic() - move.began;
    const uris = endpoints.map(({ uri }) => uri);
    const { graceMs } = move;
    // The publisher knows how many peers have the record.
    store.concludeMove(move.id, {
      uris,
      issuedAt: this.#issuedAt,
      peers: 0,
      milliseconds,
      graceMs,
    });
  }

  /** Signs the next lease and gives it to the first publisher that takes it. */
  async #handIn(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<Hex | undefined> {
    const { serviceId, instance, key, domain, publishers } = this.#options;
    const { now, clock, handIn } = this.#dependencies;
    this.#issuedAt = Math.max(Math.floor(now()), this.#issuedAt + 1);
    const lease = {
      ...{ serviceId, instance, endpoints: [...endpoints] },
      issuedAt: BigInt(this.#issuedAt),
      expiresAt: BigInt(this.#issuedAt + LEASE_MS),
    };
    const encoded = instanceLeases.sign(lease, domain, key);
    let first: unknown;
    for (const publisher of publishers) {
      try {
        return await withSignal(
          { milliseconds: HAND_IN_MS, clock, signal },
          () =>
            new BlockcloudError(
              "PUBLISHER_UNREACHABLE",
              `The publisher at ${publisher.origin} does not answer in ${HAND_IN_MS} ms.`,
              { retryable: true, remedy: "Start it with --replicas-listen, or correct --join." },
            ),
          (limit) => handIn(publisher, encoded, limit),
        );
      } catch (error) {
        signal.throwIfAborted();
        first ??= error;
      }
    }
    throw first;
  }
}
