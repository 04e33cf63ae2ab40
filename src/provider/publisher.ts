import type { RecordNetwork } from "../coral/network.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Endpoint } from "../protocol/record.ts";
import { LEASE_MS, publishLease, type LeaseOptions, type PublishedLease } from "./lease.ts";
import type { ProviderMetrics } from "./metrics.ts";
import type { Whereabouts } from "./whereabouts.ts";
import type { ProviderStore } from "./store.ts";

/** How often it looks whether something has changed, milliseconds: what a move waits for at most. */
const TICK_MS = 100;
/** When a record that was refused is tried again, milliseconds. */
const RETRY_MS = 5_000;
/** How often a record that reached nobody is published again when there are peers, milliseconds. */
const UNHEARD_MS = 1_000;
/** After so long without a peer the network is taken not to carry our records, milliseconds. */
const ALONE_MS = 10_000;
/** Names and revocations are published again so often, so that look-ups find them, milliseconds. */
const NOTICE_MS = 3_600_000;
/** Notices that are published between two looks; a thousand take seven seconds. */
const NOTICES_PER_TICK = 16;

export interface PublisherDependencies {
  network: Pick<RecordNetwork, "publish" | "peers">;
  store: Pick<ProviderStore, "raiseVersion" | "changed" | "concludeMove" | "grants">;
  whereabouts: Pick<Whereabouts, "endpoints" | "follow">;
  /** Announces on chain, for whoever reaches no peer; undefined where nobody can. */
  announcer?: { announce(alone: boolean): Promise<void> } | undefined;
  /** Unix milliseconds of the chain's time. */
  now: () => number;
  timers: Timers;
  log: Logger;
  metrics?: Pick<ProviderMetrics, "published" | "bookkeeping">;
}

/**
 * Keeps a service's record published: renews its lease at half of it, publishes the next one the moment the
 * service moves, and keeps names and revocations of its sub-services where look-ups find them.
 */
export class Publisher implements Startable {
  readonly #options: LeaseOptions;
  readonly #d: PublisherDependencies;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #last: PublishedLease | undefined;
  #retryAt = 0;
  #heardAt = 0;
  #failed = false;
  /** When a peer was last seen, monotonic milliseconds. */
  #companyAt = 0;

  constructor(options: LeaseOptions, dependencies: PublisherDependencies) {
    this.#options = options;
    this.#d = dependencies;
  }

  /** Whether the network has not carried our records for a while. */
  get alone(): boolean {
    return this.#d.timers.monotonic() - this.#companyAt > ALONE_MS;
  }

  /** Peers that hear of the next record at once. */
  get peers(): number {
    return this.#d.network.peers;
  }

  /** Publishes at once; a network that refuses keeps nobody from serving. */
  async start(): Promise<void> {
    this.#companyAt = this.#d.timers.monotonic();
    await this.#tick();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#d.timers.sleep(TICK_MS, signal);
        await this.#tick();
      } catch (error) {
        if (!signal.aborted) this.#d.log.error("publishing failed", { error });
      }
    }
  }

  async #tick(): Promise<void> {
    const { network, store, whereabouts, timers, now } = this.#d;
    const began = timers.monotonic();
    if (network.peers > 0) this.#companyAt = began;
    const moved = store.changed() ? await whereabouts.follow() : undefined;
    const endpoints = whereabouts.endpoints();
    const isNew = !this.#says(endpoints);
    const isDue = now() >= (this.#last?.expiresAt ?? 0) - LEASE_MS / 2;
    // Published into the void, until the first peers were there.
    const isUnheard = network.peers > 0 && this.#last?.peers === 0 && began >= this.#heardAt;
    if (isNew || moved !== undefined || isDue || isUnheard) {
      this.#heardAt = began + UNHEARD_MS;
      if (moved !== undefined || began >= this.#retryAt)
        await this.#publish(endpoints, moved, began);
    }
    await this.#publishNotices();
  }

  #says(endpoints: readonly Endpoint[]): boolean {
    return JSON.stringify(this.#last?.endpoints) === JSON.stringify(endpoints);
  }

  async #publish(
    endpoints: readonly Endpoint[],
    move: number | undefined,
    began: number,
  ): Promise<void> {
    const { store, timers, metrics, log } = this.#d;
    try {
      const before = this.#last;
      const changed = !this.#says(endpoints);
      const lease = await publishLease(endpoints, this.#options, this.#d);
      this.#last = lease;
      this.#followStored(lease);
      metrics?.published(BigInt(lease.expiresAt));
      const milliseconds = timers.monotonic() - began;
      const uris = endpoints.map(({ uri }) => uri);
      const { issuedAt, peers } = lease;
      if (changed || this.#failed) {
        const message = before === undefined ? "endpoint published" : "service moved";
        log.info(message, { endpoints: uris, version: issuedAt, peers, milliseconds });
      }
      this.#retryAt = 0;
      this.#failed = false;
      if (move !== undefined) store.concludeMove(move, { uris, issuedAt, peers, milliseconds });
      metrics?.bookkeeping("publish");
    } catch (error) {
      const { code, message } = asBlockcloudError(error);
      if (!this.#failed) log.warn("the record was not published, trying again", { error });
      this.#failed = true;
      this.#retryAt = timers.monotonic() + RETRY_MS;
      if (move !== undefined) store.concludeMove(move, { code, message });
      metrics?.bookkeeping("publish", error);
    }
    if (this.alone) await this.#announce();
  }

  /** The fallback, where no peer takes what we publish. */
  async #announce(): Promise<void> {
    const { announcer, metrics, log } = this.#d;
    try {
      await announcer?.announce(true);
      metrics?.bookkeeping("announce");
    } catch (error) {
      metrics?.bookkeeping("announce", error);
      log.warn("cannot announce the endpoint on chain, trying again", { error });
    }
  }

  /** A push reaches those who listen now; the store, those who ask later. */
  #followStored({ stored, peers }: PublishedLease): void {
    stored.then(
      (count) => {
        this.#d.log.debug("record stored", { peers: count });
      },
      (error: unknown) => {
        if (peers > 0) this.#d.log.warn("the record was pushed, but not stored", { error });
      },
    );
  }

  async #publishNotices(): Promise<void> {
    const { network, store, now, log } = this.#d;
    if (network.peers === 0) return;
    for (const notice of store.grants.due(now(), NOTICE_MS, NOTICES_PER_TICK)) {
      try {
        const { stored } = await network.publish(notice.kind, notice.encoded);
        await stored;
      } catch (error) {
        // Such as one of a key that was replaced: it is tried again with the others.
        log.warn("a name or revocation was not published", { kind: notice.kind, error });
      }
      store.grants.published(notice, now());
    }
  }
}

function asBlockcloudError(error: unknown): { code: string; message: string } {
  if (error instanceof BlockcloudError) return error;
  return { code: "PUBLISH_FAILED", message: "The record was not published: see the agent's log." };
}
