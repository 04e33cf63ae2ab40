import { NotFoundError } from "@libp2p/interface";
import { Record as DhtRecord } from "@libp2p/kad-dht";
import type { Libp2pOptions } from "libp2p";
import { hexToBytes } from "../../protocol/bytes.ts";
import { parseDhtKey } from "./wire.ts";
import type { RecordBook } from "../book/recordBook.ts";
import { boundedTable, type BoundedTable } from "../../node/boundedTable.ts";

type Datastore = NonNullable<Libp2pOptions["datastore"]>;
type Key = Parameters<Datastore["get"]>[0];
type Query = Parameters<Datastore["query"]>[0];
type KeyQuery = Parameters<Datastore["queryKeys"]>[0];
interface Pair {
  key: Key;
  value: Uint8Array;
}

/** Prefix of kad-dht's keys for records; the record's key in base32 follows. */
const RECORDS = "/dht/record/";
/** Prefix of libp2p's keys for peers. */
const PEERS = "/peers/";
/** Largest value that is stored for a peer, bytes. */
const MAX_VALUE_BYTES = 16 * 1024;

/**
 * libp2p's datastore, in memory and within bounds. The records of the lookup store are a view of the record
 * book, which has accepted every stored value in the validator. So there is one copy under one set of rules,
 * and expired or replaced records are not served. Of the other values only those about peers are stored, and
 * the least recently used are evicted first. Provider records, which strangers may send as well, are not
 * stored.
 */
export class BookDatastore implements Datastore {
  readonly #book: Pick<RecordBook, "encodedAt">;
  /** Forgets the peer that was stored longest ago. */
  readonly #peers: BoundedTable<string, Pair>;

  constructor(options: { peers: number }, book: Pick<RecordBook, "encodedAt">) {
    this.#peers = boundedTable(options.peers);
    this.#book = book;
  }

  put(key: Key, value: Uint8Array): Key {
    const name = key.toString();
    if (!name.startsWith(PEERS) || value.length > MAX_VALUE_BYTES) return key;
    this.#peers.set(name, { key, value });
    return key;
  }

  get(key: Key): Uint8Array {
    const value = this.#find(key.toString());
    if (value === undefined) throw new NotFoundError("This key is not stored.");
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
    if (!name.startsWith(RECORDS)) return this.#peers.peek(name)?.value;
    const key = fromBase32(name.slice(RECORDS.length));
    const place = key && parseDhtKey(key);
    const encoded = place && this.#book.encodedAt(place.kind, place.place);
    if (key === undefined || encoded === undefined) return undefined;
    // kad-dht drops records that are too old by wall time. Leases decide that more precisely, so this is the
    // present time.
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
