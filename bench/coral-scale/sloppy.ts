import { closestKnown } from "./closest.ts";
import type { Random } from "./random.ts";
import { commonPrefix, distance, flipped, ID_BITS, type Id, type Topology } from "./topology.ts";

/**
 * Coral's sloppy storing (Freedman, Freudenthal, Mazieres, NSDI 2004): full with `values` of one key that have
 * half their time left, loaded after `leakPerMinute` requests that were let through in a minute. Values and
 * leak rate as in their measurement.
 */
export const SLOPPY = { values: 4, leakPerMinute: 12 } as const;

/** The paper's bound: stores per minute at the node closest to a hot key, with one bit corrected per hop. */
export function storeBound(size: number): number {
  return SLOPPY.leakPerMinute * Math.ceil(Math.log2(size));
}

/** Messages that arrive at each node in the measured minute. */
export interface SloppyLoad {
  /** Store requests on their path to the key, to which the bound applies. */
  stores: Uint32Array;
  /** Values handed over for storage, at the end of such a path. */
  inserts: Uint32Array;
  /** Lookups. */
  lookups: Uint32Array;
  /** Requests that each lookup sent. */
  lookupRequests: number[];
  /** Requests that each store sent, including its insert. */
  storeRequests: { sum: number; max: number; count: number };
}

/**
 * The path from a node to a key, starting with the node. Each hop corrects the first differing bit and goes
 * to the node closest to that, even if a node closer to the key is known, so that the paths to a key form a
 * tree with few branches at its root. Known nodes are those of the own table and of the responses on the
 * path.
 */
export function sloppyPath(topology: Topology, from: number, key: Id): number[] {
  const path = [from];
  const known = new Set(topology.tables[from]);
  let [node, aim] = [from, topology.id(from)];
  for (;;) {
    const away = distance(topology.id(node), key);
    const isCloser = (other: number) => distance(topology.id(other), key) < away;
    learn(known, closestKnown(topology, node, key));
    if (![...known].some(isCloser)) return path;
    do {
      aim = corrected(aim, key);
      node = closestOf(topology, known, aim);
    } while (!isCloser(node));
    path.push(node);
    learn(known, closestKnown(topology, node, corrected(aim, key)));
  }
}

function learn(known: Set<number>, nodes: readonly number[]): void {
  for (const node of nodes) known.add(node);
}

function corrected(aim: Id, key: Id): Id {
  const bit = commonPrefix(aim, key);
  return bit === ID_BITS ? aim : flipped(aim, bit);
}

function closestOf(topology: Topology, nodes: Iterable<number>, aim: Id): number {
  let [closest, least] = [-1, Infinity];
  for (const node of nodes) {
    const away = distance(topology.id(node), aim);
    if (away < least) [closest, least] = [node, away];
  }
  return closest;
}

/** The rate of requests for a key, and the lifetime of its values. */
export interface Heat {
  storesPerMinute: number;
  lookupsPerMinute: number;
  leaseMs: number;
}

/**
 * Two minutes of requests for one key, evenly in time, each by a node drawn at random; the first minute fills
 * the nodes, the second is measured. Requests take no time. A node treats its own requests as those of
 * others, but they are no messages.
 *
 * @param paths The path of each node to the key.
 */
export function sloppyLoad(paths: readonly number[][], heat: Heat, random: Random): SloppyLoad {
  const size = paths.length;
  const keeper = new Keepers(size, heat.leaseMs);
  const load: SloppyLoad = {
    stores: new Uint32Array(size),
    inserts: new Uint32Array(size),
    lookups: new Uint32Array(size),
    lookupRequests: [],
    storeRequests: { sum: 0, max: 0, count: 0 },
  };
  const perMinute = heat.storesPerMinute + heat.lookupsPerMinute;
  for (let event = 0; event < 2 * perMinute; event += 1) {
    const now = (event / perMinute) * 60_000;
    const path = paths[random.below(size)] ?? [];
    const counts = event >= perMinute;
    const isStore = heat.lookupsPerMinute === 0 || random.unit() * perMinute < heat.storesPerMinute;
    if (isStore) store(path, now, keeper, counts ? load : undefined);
    else lookup(path, now, keeper, counts ? load : undefined);
  }
  return load;
}

/**
 * Forwards a store until a node is full and loaded, or to the closest node; the last node that was not stores
 * it.
 */
function store(path: readonly number[], now: number, keeper: Keepers, load?: SloppyLoad): void {
  let target = -1;
  let requests = 0;
  for (const node of path) {
    if (node !== path[0]) {
      requests += 1;
      if (load) load.stores[node] = (load.stores[node] ?? 0) + 1;
    }
    if (!keeper.letThrough(node, now)) break;
    target = node;
  }
  if (target >= 0) {
    keeper.keep(target, now);
    if (target !== path[0]) {
      requests += 1;
      if (load) load.inserts[target] = (load.inserts[target] ?? 0) + 1;
    }
  }
  if (load) {
    load.storeRequests.sum += requests;
    load.storeRequests.count += 1;
    load.storeRequests.max = Math.max(load.storeRequests.max, requests);
  }
}

/** Forwards a lookup until a node has a value. */
function lookup(path: readonly number[], now: number, keeper: Keepers, load?: SloppyLoad): void {
  let requests = 0;
  for (const node of path) {
    if (node !== path[0]) {
      requests += 1;
      if (load) load.lookups[node] = (load.lookups[node] ?? 0) + 1;
    }
    if (keeper.has(node, now)) break;
  }
  load?.lookupRequests.push(requests);
}

/** The values of one key at all nodes. All values have the same lifetime, so the oldest expires first. */
class Keepers {
  readonly #leaseMs: number;
  readonly #keptAt: Float64Array;
  readonly #kept: Uint32Array;
  readonly #passedAt: Float64Array;

  constructor(size: number, leaseMs: number) {
    this.#leaseMs = leaseMs;
    this.#keptAt = new Float64Array(size * SLOPPY.values).fill(-Infinity);
    this.#kept = new Uint32Array(size);
    this.#passedAt = new Float64Array(size).fill(-Infinity);
  }

  /** Whether a store may continue; only a node that is full and loaded stops it. */
  letThrough(node: number, now: number): boolean {
    const loaded = now - (this.#passedAt[node] ?? 0) < 60_000 / SLOPPY.leakPerMinute;
    if (!loaded) {
      this.#passedAt[node] = now;
      return true;
    }
    const oldest = this.#keptAt[this.#slot(node, 0)] ?? 0;
    return now - oldest > this.#leaseMs / 2;
  }

  keep(node: number, now: number): void {
    this.#keptAt[this.#slot(node, 0)] = now;
    this.#kept[node] = (this.#kept[node] ?? 0) + 1;
  }

  has(node: number, now: number): boolean {
    const newest = this.#keptAt[this.#slot(node, SLOPPY.values - 1)] ?? 0;
    return now - newest < this.#leaseMs;
  }

  /** Index of the value that is `younger` places after the oldest. */
  #slot(node: number, younger: number): number {
    return node * SLOPPY.values + (((this.#kept[node] ?? 0) + younger) % SLOPPY.values);
  }
}
