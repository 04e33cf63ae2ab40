import type { RecordNetwork } from "../../coral/network.ts";
import { PEERLESS_REMEDY } from "../../coral/peerWatch.ts";
import type { Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import type { Hex } from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Endpoint } from "../../protocol/record.ts";
import { RECORD_LEASE_MS, publishLease, type LeaseOptions, type PublishedLease } from "./lease.ts";
import type { ServiceMetrics } from "../metrics.ts";
import type { FollowedMove, Whereabouts } from "./whereabouts.ts";
import type { ProviderStore } from "../store.ts";

/** Interval between checks for changes, milliseconds: the longest delay of a move. */
const TICK_MS = 100;
/** Delay before a refused record is tried again, milliseconds. */
const RETRY_MS = 5_000;
/** Interval at which a record that reached no peer is published again once there are peers, milliseconds. */
const UNHEARD_MS = 1_000;
/** Interval at which names and revocations are published again, so that lookups find them, milliseconds. */
const NOTICE_MS = 3_600_000;
/** Notices that are published between two checks; a thousand take seven seconds. */
const NOTICES_PER_TICK = 16;

export interface PublisherDependencies {
  network: Pick<RecordNetwork, "publish" | "peers" | "alone">;
  store: Pick<ProviderStore, "raiseVersion" | "changed" | "concludeMove" | "grants">;
  whereabouts: Pick<Whereabouts, "endpoints" | "follow">;
  /** Adds the endpoints of the service's other instances. */
  instances?: { endpoints(own: readonly Endpoint[]): Endpoint[] } | undefined;
  /**
   * Announces on chain, for clients that reach no peer; undefined for a sub-service, which sends no
   * transactions.
   */
  announcer?: { announce(alone: boolean): Promise<void> } | undefined;
  /** Tells connected clients a record with other endpoints. */
  moved?: ((record: Hex) => void) | undefined;
  /** The chain's time, Unix milliseconds. */
  now: () => number;
  timers: Timers;
  log: Logger;
  metrics?: Pick<ServiceMetrics, "published" | "bookkeeping">;
}

/**
 * Keeps a service's record published: renews it after half of its lease, publishes a new record when the
 * service moves, and keeps names and revocations of its sub-services in the lookup store.
 */
export class Publisher implements Startable {
  readonly #options: LeaseOptions;
  readonly #dependencies: PublisherDependencies;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #last: PublishedLease | undefined;
  /** The endpoints of this instance in it. */
  #own = "";
  #retryAt = 0;
  #heardAt = 0;
  #failed = false;

  constructor(options: LeaseOptions, dependencies: PublisherDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** Whether the network has not carried this service's records for a while. */
  get alone(): boolean {
    return this.#dependencies.network.alone;
  }

  /** Number of peers that receive the next record at once. */
  get peers(): number {
    return this.#dependencies.network.peers;
  }

  /** The record that was published last. */
  get record(): Hex | undefined {
    return this.#last?.encoded;
  }

  /** Publishes at once. A refusal of the network does not stop the service. */
  async start(): Promise<void> {
    const first = this.#tick();
    // Who stops meanwhile waits for it: nothing is published after that.
    this.#loop = first.then(
      () => this.#run(),
      () => undefined,
    );
    await first;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#dependencies.timers.sleep(TICK_MS, signal);
        await this.#tick();
      } catch (error) {
        if (!signal.aborted) this.#dependencies.log.error("publishing failed", { error });
      }
    }
  }

  async #tick(): Promise<void> {
    const { network, store, whereabouts, timers, now } = this.#dependencies;
    const began = timers.monotonic();
    const moved = store.changed() ? await whereabouts.follow() : undefined;
    const own = whereabouts.endpoints();
    const endpoints = this.#dependencies.instances?.endpoints(own) ?? own;
    const isNew = !this.#says(endpoints);
    const isDue = now() >= (this.#last?.expiresAt ?? 0) - RECORD_LEASE_MS / 2;
    // The record was published before there was a peer.
    const isUnheard = network.peers > 0 && this.#last?.peers === 0 && began >= this.#heardAt;
    // A service whose only relays are lost has no place to publish; its last record runs out.
    const isAnywhere = endpoints.length > 0;
    if (isAnywhere && (isNew || moved !== undefined || isDue || isUnheard)) {
      this.#heardAt = began + UNHEARD_MS;
      if (moved !== undefined || began >= this.#retryAt)
        await this.#publish(endpoints, JSON.stringify(own), moved, began);
    }
    await this.#publishNotices();
  }

  #says(endpoints: readonly Endpoint[]): boolean {
    return JSON.stringify(this.#last?.endpoints) === JSON.stringify(endpoints);
  }

  async #publish(
    endpoints: readonly Endpoint[],
    own: string,
    move: FollowedMove | undefined,
    began: number,
  ): Promise<void> {
    const { store, timers, metrics, log } = this.#dependencies;
    try {
      const before = this.#last;
      const changed = !this.#says(endpoints);
      const lease = await publishLease(endpoints, this.#options, this.#dependencies);
      this.#last = lease;
      // The network's clients learn it from the network. Those of this instance are not concerned by others.
      if (own !== this.#own && before !== undefined) this.#dependencies.moved?.(lease.encoded);
      this.#own = own;
      this.#followStored(lease);
      metrics?.published(BigInt(lease.expiresAt));
      const milliseconds = Math.round(timers.monotonic() - began);
      const uris = endpoints.map(({ uri }) => uri);
      const { issuedAt, peers } = lease;
      if (changed || this.#failed) {
        const message = before === undefined ? "endpoint published" : "service moved";
        const fields = { endpoints: uris, version: issuedAt, peers, milliseconds };
        // At the start connections take a moment; the network says when that is over.
        if (peers > 0 || before === undefined) log.info(message, fields);
        else log.warn(message, { ...fields, remedy: PEERLESS_REMEDY });
      }
      this.#retryAt = 0;
      this.#failed = false;
      if (move !== undefined) {
        const { id, graceMs } = move;
        store.concludeMove(id, { uris, issuedAt, peers, milliseconds, graceMs });
      }
      metrics?.bookkeeping("publish");
    } catch (error) {
      const { code, message } = asBlockcloudError(error);
      if (!this.#failed) log.warn("the record was not published, trying again", { error });
      this.#failed = true;
      this.#retryAt = timers.monotonic() + RETRY_MS;
      if (move !== undefined) store.concludeMove(move.id, { code, message, again: true });
      metrics?.bookkeeping("publish", error);
    }
    if (this.alone) await this.#announce();
  }

  /** The fallback if no peer receives the records. */
  async #announce(): Promise<void> {
    const { announcer, metrics, log } = this.#dependencies;
    try {
      await announcer?.announce(true);
      metrics?.bookkeeping("announce");
    } catch (error) {
      metrics?.bookkeeping("announce", error);
      log.warn("cannot announce the endpoint on chain, trying again", { error });
    }
  }

  /** A push reaches present subscribers; the store serves later lookups. */
  #followStored({ stored, peers }: PublishedLease): void {
    stored.then(
      (count) => {
        this.#dependencies.log.debug("record stored", { peers: count });
      },
      (error: unknown) => {
        if (peers > 0)
          this.#dependencies.log.warn("the record was pushed, but not stored", { error });
      },
    );
  }

  async #publishNotices(): Promise<void> {
    const { network, store, now, log } = this.#dependencies;
    if (network.peers === 0) return;
    for (const notice of store.grants.due(now(), NOTICE_MS, NOTICES_PER_TICK)) {
      try {
        const { stored } = await network.publish(notice.kind, notice.encoded);
        await stored;
      } catch (error) {
        // For example, it is signed by a replaced key. It is tried again with the others.
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
