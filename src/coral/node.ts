import type { GossipSub } from "@libp2p/gossipsub";
import type { Libp2p } from "libp2p";
import type { Hex } from "viem";
import { raceSignal } from "race-signal";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { VerifiedRecord } from "../protocol/checkRecord.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { nameKey } from "../protocol/nameRecord.ts";
import { parseServiceId } from "../protocol/serviceId.ts";
import type { Bootstrap } from "./p2p/bootstrap.ts";
import type { Lookup } from "./p2p/lookup.ts";
import type { Arrival, VerifiedName, MessageKind, RecordNetwork } from "./network.ts";
import type { Push } from "./p2p/push.ts";
import type { RecordBook } from "./book/recordBook.ts";
import type { CoralStore } from "./book/store.ts";
import type { Timers } from "../node/timers.ts";
import { PeerWatch } from "./peerWatch.ts";

/** The libp2p node below. */
export type CoralLibp2p = Libp2p<{ push: GossipSub }>;

/** The parts of a node. */
export interface CoralParts {
  book: RecordBook;
  store: CoralStore;
  push: Push;
  lookup: Lookup;
  /** Starts to listen to the registry's changes. Returns a function that stops it. */
  watch: () => () => void;
  /** Creates the libp2p node and the part that keeps it connected. Nothing listens yet. */
  connect: () => Promise<{ libp2p: CoralLibp2p; bootstrap: Bootstrap }>;
  timers: Timers;
  log: Logger;
}

/** A node of the record network: the record book with its push and its lookup store over libp2p. */
export class CoralNode implements RecordNetwork, Startable {
  readonly #book: RecordBook;
  readonly #store: CoralStore;
  readonly #push: Push;
  readonly #lookup: Lookup;
  readonly #watch: () => () => void;
  readonly #connect: () => Promise<{ libp2p: CoralLibp2p; bootstrap: Bootstrap }>;
  readonly #log: Logger;
  readonly #peerWatch: PeerWatch;
  #libp2p: CoralLibp2p | undefined;
  #bootstrap: Bootstrap | undefined;
  #unwatch: () => void = () => {};

  constructor(parts: CoralParts) {
    this.#book = parts.book;
    this.#store = parts.store;
    this.#push = parts.push;
    this.#lookup = parts.lookup;
    this.#watch = parts.watch;
    this.#connect = parts.connect;
    this.#log = parts.log;
    this.#peerWatch = new PeerWatch(this, parts);
  }

  /**
   * Resolves when the node listens. The node joins others in the background.
   *
   * @throws BlockcloudError `CORAL_CANNOT_LISTEN`, and those of the key's file.
   */
  async start(): Promise<void> {
    const store = this.#store;
    const book = this.#book;
    const push = this.#push;
    const watch = this.#watch;
    const connect = this.#connect;
    const log = this.#log;
    await store.start();
    await book.start();
    this.#unwatch = watch();
    const { libp2p, bootstrap } = await connect();
    this.#libp2p = libp2p;
    try {
      await libp2p.start();
    } catch (cause) {
      throw new BlockcloudError("CORAL_CANNOT_LISTEN", "The record network's port is not free.", {
        cause,
        remedy: "Choose another one: --coral-listen.",
      });
    }
    push.subscribe();
    this.#bootstrap = bootstrap;
    await bootstrap.start();
    await this.#peerWatch.start();
    log.info("coral listens", { peerId: libp2p.peerId.toString(), addresses: this.addresses });
  }

  async stop(): Promise<void> {
    this.#unwatch();
    await this.#peerWatch.stop();
    try {
      await this.#bootstrap?.stop();
      await this.#push.stop();
      await this.#lookup.stop();
      await this.#libp2p?.stop();
    } finally {
      // The book writes its state even if closing the connections failed.
      await this.#book.stop();
      await this.#store.stop();
    }
  }

  async publish(
    kind: MessageKind,
    encoded: Hex,
  ): Promise<{ peers: number; stored: Promise<number> }> {
    const book = this.#book;
    const push = this.#push;
    const lookup = this.#lookup;
    const acceptance = await book.accept(kind, encoded);
    if (acceptance.outcome === "refused") throw acceptance.error;
    const { place } = acceptance;
    const peers = await push.publish(kind, acceptance, encoded, acceptance.until);
    return { peers, stored: lookup.store(kind, place, encoded) };
  }

  record(serviceId: Hex): VerifiedRecord | undefined {
    return this.#book.record(serviceId);
  }

  async find(serviceId: Hex, signal: AbortSignal): Promise<VerifiedRecord | undefined> {
    const book = this.#book;
    const lookup = this.#lookup;
    const place = serviceId.toLowerCase() as Hex;
    const held = book.record(place);
    if (!(await this.#hasPeers(signal))) return held;
    const isSub = BigInt(parseServiceId(place).self) !== 0n;
    await Promise.all([
      lookup.find("endpoint", place, () => book.record(place) !== undefined, signal),
      // A sub-service's record is usable only if it is known whether its delegation was revoked.
      isSub &&
        lookup.find("revocation", place, () => book.revokedUpTo(place) !== undefined, signal),
    ]);
    signal.throwIfAborted();
    return book.record(place);
  }

  async findName(root: Hex, label: string, signal: AbortSignal): Promise<VerifiedName | undefined> {
    const book = this.#book;
    const lookup = this.#lookup;
    const held = book.name(root, label);
    if (held !== undefined || !(await this.#hasPeers(signal))) return held;
    const holds = () => book.name(root, label) !== undefined;
    await lookup.find("name", nameKey(root.toLowerCase() as Hex, label), holds, signal);
    signal.throwIfAborted();
    return book.name(root, label);
  }

  revokedUpTo(serviceId: Hex): bigint | undefined {
    return this.#book.revokedUpTo(serviceId);
  }

  onArrival(listener: (arrival: Arrival) => void): () => void {
    return this.#book.onArrival(listener);
  }

  get peers(): number {
    return this.#libp2p?.getPeers().length ?? 0;
  }

  get alone(): boolean {
    return this.#peerWatch.alone;
  }

  /** Records and names in memory. */
  get held(): { records: number; names: number } {
    return this.#book.held;
  }

  /** Multiaddrs with the peer ID at which other nodes reach it, once it has started. */
  get addresses(): string[] {
    return this.#libp2p?.getMultiaddrs().map(String) ?? [];
  }

  /** The libp2p node, once it has started; for tests and tools that inspect connections. */
  get libp2p(): CoralLibp2p | undefined {
    return this.#libp2p;
  }

  /** Its peer ID, once it has started. */
  get peerId(): string | undefined {
    return this.#libp2p?.peerId.toString();
  }

  /** A node that has just started waits for its first bootstrap node. */
  async #hasPeers(signal: AbortSignal): Promise<boolean> {
    if (this.peers === 0 && this.#bootstrap !== undefined) {
      await raceSignal(this.#bootstrap.tried, signal);
    }
    return this.peers > 0;
  }
}
