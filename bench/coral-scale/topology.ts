import { createHash } from "node:crypto";
import { seeded, type Random } from "./random.ts";

/** Half of the bits of a SHA-256 that IDs use; XOR of the halves and distances stay exact numbers. */
const HALF_BITS = 26;
export const ID_BITS = 2 * HALF_BITS;
const HALF = 2 ** HALF_BITS;

/** The leading bits of an ID. */
export interface Id {
  high: number;
  low: number;
}

/** Simulated nodes with Kademlia's routing tables. Nodes are numbers; the topology never changes. */
export interface Topology {
  size: number;
  /** Largest number of contacts for each length of common prefix. */
  bucketSize: number;
  id(node: number): Id;
  /** Contacts of each node, from the furthest bucket to the nearest. */
  tables: readonly Uint32Array[];
}

/** The ID of a key or a node: the leading bits of its SHA-256. */
export function idOf(text: string): Id {
  const hash = createHash("sha256").update(text).digest();
  const bits = hash.readUIntBE(0, 6) * 16 + ((hash[6] ?? 0) >> 4);
  return { high: Math.floor(bits / HALF), low: bits % HALF };
}

/** XOR distance of two IDs (Maymounkov and Mazieres, IPTPS 2002). */
export function distance(a: Id, b: Id): number {
  return (a.high ^ b.high) * HALF + (a.low ^ b.low);
}

/** The number of leading bits that two IDs share. */
export function commonPrefix(a: Id, b: Id): number {
  const high = a.high ^ b.high;
  const low = a.low ^ b.low;
  if (high !== 0) return Math.clz32(high) - (32 - HALF_BITS);
  return low === 0 ? ID_BITS : HALF_BITS + Math.clz32(low) - (32 - HALF_BITS);
}

/** An ID with one bit flipped, counted from the most significant. */
export function flipped(id: Id, bit: number): Id {
  return bit < HALF_BITS
    ? { high: id.high ^ (1 << (HALF_BITS - 1 - bit)), low: id.low }
    : { high: id.high, low: id.low ^ (1 << (ID_BITS - 1 - bit)) };
}

/**
 * Builds the nodes of a seed, with full buckets: for each length of common prefix all nodes that have it, or
 * `bucketSize` drawn from them.
 *
 * @throws Error if two nodes have the same ID; then use another seed.
 */
export function buildTopology(seed: string, size: number, bucketSize: number): Topology {
  const random = seeded(`${seed} tables`);
  const ids = Array.from({ length: size }, (_, index) => idOf(`${seed} node ${index}`)).sort(
    (a, b) => a.high - b.high || a.low - b.low,
  );
  ids.forEach((id, node) => {
    const next = ids[node + 1];
    if (next && distance(id, next) === 0) throw new Error(`Seed ${seed} gives two nodes one ID.`);
  });
  const id = (node: number) => ids[node] ?? { high: 0, low: 0 };
  const tables = ids.map((own) => contactsOf(own, ids, bucketSize, random));
  return { size, bucketSize, id, tables };
}

/** The nodes of a bucket are adjacent, because the IDs are sorted: halve the range around the own ID. */
function contactsOf(own: Id, ids: readonly Id[], bucketSize: number, random: Random): Uint32Array {
  const contacts: number[] = [];
  let [from, to] = [0, ids.length];
  for (let bit = 0; to - from > 1; bit += 1) {
    const middle = firstWithBit(ids, from, to, bit);
    const isSet = hasBit(own, bit);
    const bucket = isSet ? { from, to: middle } : { from: middle, to };
    contacts.push(...drawn(bucket, bucketSize, random));
    [from, to] = isSet ? [middle, to] : [from, middle];
  }
  return Uint32Array.from(contacts);
}

function hasBit({ high, low }: Id, bit: number): boolean {
  return bit < HALF_BITS
    ? ((high >>> (HALF_BITS - 1 - bit)) & 1) === 1
    : ((low >>> (ID_BITS - 1 - bit)) & 1) === 1;
}

/** The first node of a range with a bit set; all nodes before it share the prefix and have the bit clear. */
function firstWithBit(ids: readonly Id[], from: number, to: number, bit: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const id = ids[middle];
    if (id && hasBit(id, bit)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Up to `count` different numbers of a range (Floyd's draw without replacement). */
function drawn(range: { from: number; to: number }, count: number, random: Random): number[] {
  const length = range.to - range.from;
  if (length <= count) return Array.from({ length }, (_, index) => range.from + index);
  const chosen = new Set<number>();
  for (let bound = length - count; bound < length; bound += 1) {
    const index = random.below(bound + 1);
    chosen.add(range.from + (chosen.has(range.from + index) ? bound : index));
  }
  return [...chosen];
}
