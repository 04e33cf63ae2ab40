import { kadDHT, passthroughMapper, type KadDHT, type KadDHTComponents } from "@libp2p/kad-dht";
import type { PeerInfo } from "@libp2p/interface";
import type { Hex } from "viem";
import type { Logger } from "../node/logger.ts";
import type { Timers } from "../node/timers.ts";
import { bytesToHex, hexToBytes } from "../protocol/bytes.ts";
import { isPublic } from "./gater.ts";
import type { InboundPeer } from "./inbound.ts";
import type { Intake } from "./intake.ts";
import type { MessageKind } from "./network.ts";
import type { RecordBook } from "./recordBook.ts";
import { StoreQueue } from "./storeQueue.ts";
import { dhtKey, dhtProtocol, namespaces, parseDhtKey, type NetworkId } from "./wire.ts";

/** Answers with a value after which a look-up does not wait for more: enough that one old copy is outvoted. */
const ENOUGH_ANSWERS = 3;
/** How long a look-up may take, milliseconds. */
const FIND_MS = 5_000;
/** How long a store may take, milliseconds: a node that has just started first has to find peers. */
const STORE_MS = 30_000;
/**
 * Peers that keep a record, and of a bucket: BitTorrent's number (BEP 5), not Kademlia's 20, for leases are
 * renewed every half minute.
 */
const REPLICAS = 8;
/** How long a store lets the push go first, and waits for a newer one, milliseconds. */
const SETTLE_MS = 500;
/** Stores under way at one time. */
const STORES = 8;
/**
 * Disjoint paths of a look-up, and requests under way on each. kad-dht's 10 ask 105 peers of 10,000 for
 * a record that 37 find (`npm run bench -- coral-scale`).
 */
const PATHS = 4;
/** A node's first look for its neighbours, milliseconds after it knows a peer. */
const FIRST_LOOK_MS = 50;

export interface LookupDependencies {
  book: Pick<RecordBook, "encodedAt">;
  intake: Intake;
  timers: Timers;
  log: Logger;
  /** Guards what peers send. */
  inbound: InboundPeer;
}

/** The look-up store: Kademlia, with the record book as the judge of what is stored and found. */
export class Lookup {
  readonly #network: NetworkId;
  readonly #options: { clientMode: boolean | undefined; allowPrivate: boolean };
  readonly #d: LookupDependencies;
  readonly #stopping = new AbortController();
  readonly #stores: StoreQueue;
  #dht: KadDHT | undefined;

  constructor(
    options: {
      network: NetworkId;
      /** Undefined for a node that finds out by its addresses. */
      clientMode: boolean | undefined;
      allowPrivate: boolean;
    },
    dependencies: LookupDependencies,
  ) {
    this.#network = options.network;
    this.#options = options;
    this.#d = dependencies;
    this.#stores = new StoreQueue({ atOnce: STORES, settleMs: SETTLE_MS }, dependencies.timers);
  }

  /** The libp2p service. */
  service(): (components: KadDHTComponents) => KadDHT {
    const judge = (key: Uint8Array, value: Uint8Array) => this.#judge(key, value);
    const select = (key: Uint8Array, values: Uint8Array[]) => this.#select(key, values);
    const all = <T>(value: T) =>
      Object.fromEntries(Object.values(namespaces).map((namespace) => [namespace, value]));
    const create = kadDHT({
      protocol: dhtProtocol(this.#network),
      kBucketSize: REPLICAS,
      alpha: PATHS,
      disjointPaths: PATHS,
      ...(this.#options.clientMode === undefined ? {} : { clientMode: this.#options.clientMode }),
      // kad-dht asks the selector when it reads, and only the validator when it stores.
      validators: { ...all(judge), pk: refusePublicKeys },
      selectors: all(select),
      peerInfoMapper: this.#options.allowPrivate ? passthroughMapper : onlyPublic,
      initialQuerySelfInterval: FIRST_LOOK_MS,
    });
    return (components) => {
      this.#dht = create(this.#d.inbound.guard(components));
      return this.#dht;
    };
  }

  /**
   * Stores in the background.
   *
   * @returns How many peers took it, or the newer one that came meanwhile; 0 where there was no time.
   */
  store(kind: MessageKind, place: Hex, encoded: Hex): Promise<number> {
    return this.#stores.add(place, () => this.#store(kind, place, encoded));
  }

  /**
   * Asks for what is stored; every answer goes through the record book.
   *
   * @param holds Whether the book holds what is looked for.
   */
  async find(
    kind: MessageKind,
    place: Hex,
    holds: () => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#within(FIND_MS, signal, async (bounded, dht) => {
      let answers = 0;
      for await (const event of dht.get(dhtKey(kind, place), { signal: bounded })) {
        if (event.name !== "PEER_RESPONSE" || event.record === undefined) continue;
        answers += 1;
        if (answers >= ENOUGH_ANSWERS && holds()) return;
      }
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#stores.stop();
  }

  async #store(kind: MessageKind, place: Hex, encoded: Hex): Promise<number> {
    let stored = 0;
    const { signal } = this.#stopping;
    await this.#within(STORE_MS, signal, async (bounded, dht) => {
      const key = dhtKey(kind, place);
      for await (const event of dht.put(key, hexToBytes(encoded), { signal: bounded })) {
        if (event.name === "PEER_RESPONSE" && event.record !== undefined) stored += 1;
      }
    });
    return stored;
  }

  /** Runs a query within a time; its end, however it comes, is no error of the caller's. */
  async #within(
    milliseconds: number,
    signal: AbortSignal,
    run: (signal: AbortSignal, dht: KadDHT) => Promise<void>,
  ): Promise<void> {
    const dht = this.#dht;
    if (dht === undefined) return;
    const done = new AbortController();
    const bounded = AbortSignal.any([signal, this.#stopping.signal, done.signal]);
    const timeUp = this.#d.timers.sleep(milliseconds, bounded).then(
      () => {
        done.abort(new Error("out of time"));
      },
      () => {
        // It ended before its time was up.
      },
    );
    try {
      await run(bounded, dht);
    } catch (error) {
      if (!bounded.aborted) this.#d.log.debug("a look-up failed", { error });
    } finally {
      done.abort();
      await timeUp;
    }
  }

  /** The selector: each value was judged before, so that the book holds the newest of them. */
  #select(key: Uint8Array, values: Uint8Array[]): number {
    const wanted = parseDhtKey(key);
    const held = wanted && this.#d.book.encodedAt(wanted.kind, wanted.place);
    return Math.max(
      0,
      values.findIndex((value) => bytesToHex(value) === held),
    );
  }

  /** The validator: what it does not throw for is stored, or believed. */
  async #judge(key: Uint8Array, value: Uint8Array): Promise<void> {
    const peer = this.#d.inbound.current;
    const wanted = parseDhtKey(key);
    if (wanted === undefined) {
      if (peer !== undefined) this.#d.intake.blameMalformed(peer);
      throw new Error("not a key of the record network");
    }
    const verdict = await this.#d.intake.take(wanted.kind, value, peer);
    if (verdict.outcome === "refused") throw new Error(`refused: ${verdict.reason}`);
    if (verdict.place === wanted.place) return;
    if (peer !== undefined) this.#d.intake.blameMalformed(peer);
    throw new Error("stored under another key than its own");
  }
}

/** kad-dht would store public keys of peers, too: nobody here asks for them. */
function refusePublicKeys(): void {
  throw new Error("public keys are not stored");
}

function onlyPublic(peer: PeerInfo): PeerInfo {
  return { ...peer, multiaddrs: peer.multiaddrs.filter(isPublic) };
}
