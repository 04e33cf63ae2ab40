import type { GossipSub } from "@libp2p/gossipsub";
import type { Libp2p } from "libp2p";
import type { Hex } from "viem";
import type { Startable } from "../node/lifecycle.ts";
import { unlessAborted } from "../node/unlessAborted.ts";
import type { Logger } from "../node/logger.ts";
import type { CheckedRecord } from "../protocol/checkRecord.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { nameKey } from "../protocol/nameRecord.ts";
import { parseServiceId } from "../protocol/serviceId.ts";
import type { Bootstrap } from "./bootstrap.ts";
import type { Lookup } from "./lookup.ts";
import type { Arrival, CheckedName, MessageKind, RecordNetwork } from "./network.ts";
import type { Push } from "./push.ts";
import type { RecordBook } from "./recordBook.ts";
import type { CoralStore } from "./store.ts";

/** The libp2p node below. */
export type CoralLibp2p = Libp2p<{ push: GossipSub }>;

/** What a node is made of. */
export interface CoralParts {
  book: RecordBook;
  store: CoralStore;
  push: Push;
  lookup: Lookup;
  /** Begins to listen to the registry's changes. Returns how to end that. */
  watch: () => () => void;
  /** Makes the libp2p node, and what keeps it connected; nothing listens yet. */
  connect: () => Promise<{ libp2p: CoralLibp2p; bootstrap: Bootstrap }>;
  log: Logger;
}

/** A node of the record network: the record book with its push and its look-up store over libp2p. */
export class CoralNode implements RecordNetwork, Startable {
  readonly #p: CoralParts;
  #libp2p: CoralLibp2p | undefined;
  #bootstrap: Bootstrap | undefined;
  #unwatch: () => void = () => {};

  constructor(parts: CoralParts) {
    this.#p = parts;
  }

  /**
   * Ready when it listens; it joins others in the background.
   *
   * @throws BlockcloudError `CORAL_CANNOT_LISTEN`, and those of the key's file.
   */
  async start(): Promise<void> {
    const { store, book, push, watch, connect, log } = this.#p;
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
    log.info("coral listens", { peerId: libp2p.peerId.toString(), addresses: this.addresses });
  }

  async stop(): Promise<void> {
    this.#unwatch();
    try {
      await this.#bootstrap?.stop();
      await this.#p.push.stop();
      await this.#p.lookup.stop();
      await this.#libp2p?.stop();
    } finally {
      // What must outlive the node is written, whatever became of its connections.
      await this.#p.book.stop();
      await this.#p.store.stop();
    }
  }

  async publish(
    kind: MessageKind,
    encoded: Hex,
  ): Promise<{ peers: number; stored: Promise<number> }> {
    const { book, push, lookup } = this.#p;
    const acceptance = await book.accept(kind, encoded);
    if (acceptance.outcome === "refused") throw acceptance.error;
    const { place } = acceptance;
    const peers = await push.publish(kind, acceptance, encoded, acceptance.until);
    return { peers, stored: lookup.store(kind, place, encoded) };
  }

  record(serviceId: Hex): CheckedRecord | undefined {
    return this.#p.book.record(serviceId);
  }

  async find(serviceId: Hex, signal: AbortSignal): Promise<CheckedRecord | undefined> {
    const { book, lookup } = this.#p;
    const place = serviceId.toLowerCase() as Hex;
    const held = book.record(place);
    if (!(await this.#hasPeers(signal))) return held;
    const isSub = BigInt(parseServiceId(place).self) !== 0n;
    await Promise.all([
      lookup.find("endpoint", place, () => book.record(place) !== undefined, signal),
      // A sub-service's record is worth nothing without knowing whether its delegation was taken back.
      isSub &&
        lookup.find("revocation", place, () => book.revokedUpTo(place) !== undefined, signal),
    ]);
    signal.throwIfAborted();
    return book.record(place);
  }

  async findName(root: Hex, label: string, signal: AbortSignal): Promise<CheckedName | undefined> {
    const { book, lookup } = this.#p;
    const held = book.name(root, label);
    if (held !== undefined || !(await this.#hasPeers(signal))) return held;
    const holds = () => book.name(root, label) !== undefined;
    await lookup.find("name", nameKey(root.toLowerCase() as Hex, label), holds, signal);
    signal.throwIfAborted();
    return book.name(root, label);
  }

  revokedUpTo(serviceId: Hex): bigint | undefined {
    return this.#p.book.revokedUpTo(serviceId);
  }

  onArrival(listener: (arrival: Arrival) => void): () => void {
    return this.#p.book.onArrival(listener);
  }

  get peers(): number {
    return this.#libp2p?.getPeers().length ?? 0;
  }

  /** Records and names in memory. */
  get held(): { records: number; names: number } {
    return this.#p.book.held;
  }

  /** Multiaddrs with the peer ID at which others reach it, once it has started. */
  get addresses(): string[] {
    return this.#libp2p?.getMultiaddrs().map(String) ?? [];
  }

  /** The libp2p node, once it has started: for tests and tools that look at connections. */
  get libp2p(): CoralLibp2p | undefined {
    return this.#libp2p;
  }

  /** Its peer ID, once it has started. */
  get peerId(): string | undefined {
    return this.#libp2p?.peerId.toString();
  }

  /** A node that has only just started waits for the first that it joins by. */
  async #hasPeers(signal: AbortSignal): Promise<boolean> {
    if (this.peers === 0 && this.#bootstrap !== undefined) {
      await unlessAborted(this.#bootstrap.tried, signal);
    }
    return this.peers > 0;
  }
}
