import { kadDHT, passthroughMapper, type KadDHT, type KadDHTComponents } from "@libp2p/kad-dht";
import type { PeerInfo } from "@libp2p/interface";
import type { Hex } from "viem";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { bytesToHex, hexToBytes } from "../../protocol/bytes.ts";
import { isPublic } from "./gater.ts";
import type { InboundPeer } from "./inbound.ts";
import type { Intake } from "./intake.ts";
import type { MessageKind } from "../network.ts";
import type { RecordBook } from "../book/recordBook.ts";
import { StoreQueue } from "./storeQueue.ts";
import { dhtKey, dhtProtocol, namespaces, parseDhtKey, type NetworkId } from "./wire.ts";

/** A lookup ends after this many responses with a value: enough to outvote one old copy. */
const ENOUGH_ANSWERS = 3;
/** Time limit of a lookup, milliseconds. */
const FIND_MS = 5_000;
/** Time limit of a store, milliseconds. A node that has just started must find peers first. */
const STORE_MS = 30_000;
/**
 * Number of peers that store a record, and bucket size. It is BitTorrent's value (BEP 5) instead of
 * Kademlia's 20, because leases are renewed every half minute.
 */
const REPLICAS = 8;
/** Delay before a store, so that the push goes first and a newer version can replace it, milliseconds. */
const SETTLE_MS = 500;
/** Concurrent stores. */
const STORES = 8;
/**
 * Disjoint paths of a lookup, and concurrent requests on each. In a network of 10,000 nodes, kad-dht's
 * default of 10 queries 105 peers for a record that this value finds with 37 (`npm run bench --
 * coral-scale`).
 */
const PATHS = 4;
/** Delay from knowing a peer to the first lookup of the node's own neighbours, milliseconds. */
const FIRST_LOOK_MS = 50;

export interface LookupDependencies {
  book: Pick<RecordBook, "encodedAt">;
  intake: Intake;
  timers: Timers;
  log: Logger;
  /** Guards the handlers of peers' requests. */
  inbound: InboundPeer;
}

/** The lookup store: Kademlia, where the record book checks every stored and found value. */
export class Lookup {
  readonly #network: NetworkId;
  readonly #options: { clientMode: boolean | undefined; allowPrivate: boolean };
  readonly #book: Pick<RecordBook, "encodedAt">;
  readonly #intake: Intake;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #inbound: InboundPeer;
  readonly #stopping = new AbortController();
  readonly #stores: StoreQueue;
  #dht: KadDHT | undefined;

  constructor(
    options: {
      network: NetworkId;
      /** Undefined: the node decides by its addresses. */
      clientMode: boolean | undefined;
      allowPrivate: boolean;
    },
    dependencies: LookupDependencies,
  ) {
    this.#network = options.network;
    this.#options = options;
    this.#book = dependencies.book;
    this.#intake = dependencies.intake;
    this.#timers = dependencies.timers;
    this.#log = dependencies.log;
    this.#inbound = dependencies.inbound;
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
      // kad-dht calls the selector when it reads, but only the validator when it stores.
      validators: { ...all(judge), pk: refusePublicKeys },
      selectors: all(select),
      peerInfoMapper: this.#options.allowPrivate ? passthroughMapper : onlyPublic,
      initialQuerySelfInterval: FIRST_LOOK_MS,
    });
    return (components) => {
      this.#dht = create(this.#inbound.guard(components));
      return this.#dht;
    };
  }

  /**
   * Stores in the background.
   *
   * @returns The number of peers that stored it, or a newer version that replaced it meanwhile; 0 if the time
   *   was over.
   */
  store(kind: MessageKind, place: Hex, encoded: Hex): Promise<number> {
    return this.#stores.add(place, () => this.#store(kind, place, encoded));
  }

  /**
   * Queries stored values. Every response is checked by the record book.
   *
   * @param holds Whether the book holds the requested message.
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

  /** Runs a query with a time limit. A timeout or a failed query is not an error for the caller. */
  async #within(
    milliseconds: number,
    signal: AbortSignal,
    run: (signal: AbortSignal, dht: KadDHT) => Promise<void>,
  ): Promise<void> {
    const dht = this.#dht;
    if (dht === undefined) return;
    const done = new AbortController();
    const bounded = AbortSignal.any([signal, this.#stopping.signal, done.signal]);
    const timeUp = this.#timers.sleep(milliseconds, bounded).then(
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
      if (!bounded.aborted) this.#log.debug("a lookup failed", { error });
    } finally {
      done.abort();
      await timeUp;
    }
  }

  /** The selector. Each value was checked before, so the book holds the newest of them. */
  #select(key: Uint8Array, values: Uint8Array[]): number {
    const wanted = parseDhtKey(key);
    const held = wanted && this.#book.encodedAt(wanted.kind, wanted.place);
    return Math.max(
      0,
      values.findIndex((value) => bytesToHex(value) === held),
    );
  }

  /** The validator. kad-dht stores or accepts every value for which it does not throw. */
  async #judge(key: Uint8Array, value: Uint8Array): Promise<void> {
    const peer = this.#inbound.current;
    const wanted = parseDhtKey(key);
    if (wanted === undefined) {
      if (peer !== undefined) this.#intake.blameMalformed(peer);
      throw new Error("not a key of the record network");
    }
    const verdict = await this.#intake.take(wanted.kind, value, peer);
    if (verdict.outcome === "refused") throw new Error(`refused: ${verdict.reason}`);
    if (verdict.place === wanted.place) return;
    if (peer !== undefined) this.#intake.blameMalformed(peer);
    throw new Error("stored under another key than its own");
  }
}

/** kad-dht would also store public keys of peers, which this network does not use. */
function refusePublicKeys(): void {
  throw new Error("public keys are not stored");
}

function onlyPublic(peer: PeerInfo): PeerInfo {
  return { ...peer, multiaddrs: peer.multiaddrs.filter(isPublic) };
}
