import { NotFoundError } from "@libp2p/interface";
import { Record as DhtRecord } from "@libp2p/kad-dht";
import type { Libp2pOptions } from "libp2p";
import { hexToBytes } from "../protocol/bytes.ts";
import { parseDhtKey } from "./wire.ts";
import type { RecordBook } from "./recordBook.ts";

type Datastore = NonNullable<Libp2pOptions["datastore"]>;
type Key = Parameters<Datastore["get"]>[0];
type Query = Parameters<Datastore["query"]>[0];
type KeyQuery = Parameters<Datastore["queryKeys"]>[0];
interface Pair {
  key: Key;
  value: Uint8Array;
}

/** Where kad-dht keeps records: this, and the key of the record in base32. */
const RECORDS = "/dht/record/";
/** Where libp2p keeps what it knows of peers. */
const PEERS = "/peers/";
/** The longest value that is kept of a peer, bytes. */
const MAX_VALUE_BYTES = 16 * 1024;

/**
 * What libp2p keeps, in memory and within bounds. The records of the look-up store are those of the record
 * book: its validator has taken in what is stored, so that there is one copy with one set of rules, and what
 * ran out or was replaced is not served. Of the rest only what is known of peers is kept, the least recently
 * used going first; provider records, which strangers may send as well, are not.
 */
export class BookDatastore implements Datastore {
  readonly #book: Pick<RecordBook, "encodedAt">;
  readonly #mostPeers: number;
  readonly #peers = new Map<string, Pair>();

  constructor(options: { peers: number }, book: Pick<RecordBook, "encodedAt">) {
    this.#mostPeers = options.peers;
    this.#book = book;
  }

  put(key: Key, value: Uint8Array): Key {
    const name = key.toString();
    if (!name.startsWith(PEERS) || value.length > MAX_VALUE_BYTES) return key;
    this.#peers.delete(name);
    this.#peers.set(name, { key, value });
    const [oldest] = this.#peers.keys();
    if (this.#peers.size > this.#mostPeers && oldest !== undefined) this.#peers.delete(oldest);
    return key;
  }

  get(key: Key): Uint8Array {
    const value = this.#find(key.toString());
    if (value === undefined) throw new NotFoundError("Not kept here.");
    return value;
  }

  has(key: Key): boolean {
    return this.#find(key.toString()) !== undefined;
  }

  delete(key: Key): void {
    this.#peers.delete(key.toString());
  }

  async *putMany(source: Iterable<Pair> | AsyncIterable<Pair>): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield this.put(key, value);
  }

  async *getMany(source: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Pair> {
    for await (const key of source) yield { key, value: this.get(key) };
  }

  async *deleteMany(source: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Key> {
    for await (const key of source) {
      this.delete(key);
      yield key;
    }
  }

  *query(query: Query): Generator<Pair> {
    const { prefix = "", filters = [], orders = [], offset = 0, limit = Infinity } = query;
    const found = [...this.#peers.values()]
      .filter(({ key }) => key.toString().startsWith(prefix))
      .filter((pair) => filters.every((filter) => filter(pair)));
    for (const order of orders) found.sort(order);
    yield* found.slice(offset, offset + limit);
  }

  *queryKeys(query: KeyQuery): Generator<Key> {
    const { prefix = "", filters = [], orders = [], offset = 0, limit = Infinity } = query;
    const found = [...this.#peers.values()]
      .map(({ key }) => key)
      .filter((key) => key.toString().startsWith(prefix))
      .filter((key) => filters.every((filter) => filter(key)));
    for (const order of orders) found.sort(order);
    yield* found.slice(offset, offset + limit);
  }

  batch(): ReturnType<Datastore["batch"]> {
    const steps: (() => void)[] = [];
    return {
      put: (key, value) => {
        steps.push(() => this.put(key, value));
      },
      delete: (key) => {
        steps.push(() => {
          this.delete(key);
        });
      },
      commit: () => {
        for (const step of steps.splice(0)) step();
      },
    };
  }

  #find(name: string): Uint8Array | undefined {
    if (!name.startsWith(RECORDS)) return this.#peers.get(name)?.value;
    const key = fromBase32(name.slice(RECORDS.length));
    const place = key && parseDhtKey(key);
    const encoded = place && this.#book.encodedAt(place.kind, place.place);
    if (key === undefined || encoded === undefined) return undefined;
    // kad-dht compares this with wall time, and gives up what is too old; leases say that better.
    return new DhtRecord(key, hexToBytes(encoded), new Date()).serialize().subarray();
  }
}

/** Reads base32 (RFC 4648) in lower case without padding; undefined for anything else. */
function fromBase32(text: string): Uint8Array | undefined {
  if (!/^[a-z2-7]{1,128}$/.test(text)) return undefined;
  const bytes: number[] = [];
  let value = 0;
  let bits = 0;
  for (const character of text) {
    value = ((value << 5) | "abcdefghijklmnopqrstuvwxyz234567".indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
  }
  return new Uint8Array(bytes);
}
