import { mean, quantiles, rounded, roundedQuantiles, type Quantiles } from "../quantiles.ts";
import { closestOfAll } from "./closest.ts";
import { lookup, type LookupResult, type Manner } from "./lookup.ts";
import type { Random } from "./random.ts";
import { idOf, type Topology } from "./topology.ts";

/** The cost of a number of lookups. */
export interface Lookups {
  hops: Quantiles;
  /** Requests, each of which gets a response. */
  requests: Quantiles;
  meanRequests: number;
  elapsedMs: Quantiles;
}

/** Lookups of a record. */
export interface Gets extends Lookups {
  /** The share of lookups that found it. */
  found: number;
}

/** Measurements of Kademlia on a topology. */
export interface Kademlia {
  /**
   * Lookups of the nodes closest to a key, as for each store, and the share of these nodes that were found.
   */
  findClosest: Lookups & { correct: number };
  /** Lookups that end when enough nodes have responded with the record. */
  getRecord: Gets;
  /** The same while some nodes are gone and all tables still have them. */
  getWithDead: Gets & { deadShare: number };
  /** Requests of a store: its lookup, and one to each of the closest nodes. */
  requestsPerStore: number;
}

/** @param count Lookups of each kind, each of another key by a node drawn at random. */
export function measureKademlia(
  topology: Topology,
  settings: { manner: Manner; count: number; deadShare: number },
  random: Random,
): Kademlia {
  const { manner, count, deadShare } = settings;
  const dead = new Set<number>();
  while (dead.size < Math.floor(deadShare * topology.size)) dead.add(random.below(topology.size));

  const [finds, gets, deadGets]: [LookupResult[], LookupResult[], LookupResult[]] = [[], [], []];
  const correct: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const target = idOf(`key ${index}`);
    const finder = random.below(topology.size);
    const find = lookup(topology, { from: finder, target, ...manner }, random);
    const truth = closestOfAll(topology, target, topology.bucketSize + 1)
      .filter((node) => node !== finder)
      .slice(0, topology.bucketSize);
    finds.push(find);
    correct.push(truth.filter((node) => find.closest.includes(node)).length / truth.length);
    const holders = new Set(find.closest);
    gets.push(lookup(topology, { from: asker(holders), target, ...manner, holders }, random));
    const from = asker(holders, dead);
    deadGets.push(lookup(topology, { from, target, ...manner, holders, dead }, random));
  }
  const requestsPerStore = mean(finds.map(({ requests, closest }) => requests + closest.length));
  return {
    findClosest: { ...summary(finds), correct: rounded(mean(correct), 4) },
    getRecord: { ...summary(gets), found: foundShare(gets) },
    getWithDead: { ...summary(deadGets), found: foundShare(deadGets), deadShare },
    requestsPerStore: rounded(requestsPerStore, 1),
  };

  /** A random node that must send a lookup. */
  function asker(...not: readonly ReadonlySet<number>[]): number {
    for (;;) {
      const node = random.below(topology.size);
      if (!not.some((nodes) => nodes.has(node))) return node;
    }
  }
}

/** Requests a minute that reach the busiest node for a hot key. */
export interface HotKey {
  lookupsPerMinute: number;
  storesPerMinute: number;
}

/**
 * A minute of a hot key that every node looks up once, because it keeps the record for the lease. Finds the
 * node with the most lookups. A store reaches each of the closest nodes, so the busiest gets all stores.
 */
export function measureHotKey(
  topology: Topology,
  hot: { key: string; manner: Manner; storesPerMinute: number },
  random: Random,
): HotKey {
  const { key, manner } = hot;
  const target = idOf(key);
  const publisher = random.below(topology.size);
  const { closest } = lookup(topology, { from: publisher, target, ...manner }, random);
  const holders = new Set(closest);
  const arrived = new Uint32Array(topology.size);
  const onRequest = (node: number) => {
    arrived[node] = (arrived[node] ?? 0) + 1;
  };
  for (let from = 0; from < topology.size; from += 1) {
    if (holders.has(from) || from === publisher) continue;
    lookup(topology, { from, target, ...manner, holders, onRequest }, random);
  }
  return { lookupsPerMinute: arrived.reduce(max, 0), storesPerMinute: hot.storesPerMinute };
}

function summary(results: readonly LookupResult[]): Lookups {
  const requests = results.map((result) => result.requests);
  return {
    hops: quantiles(results.map(({ hops }) => hops)),
    requests: quantiles(requests),
    meanRequests: rounded(mean(requests), 1),
    elapsedMs: roundedQuantiles(quantiles(results.map(({ elapsedMs }) => elapsedMs)), 0),
  };
}

function foundShare(results: readonly LookupResult[]): number {
  return rounded(results.filter(({ found }) => found).length / results.length, 4);
}

function max(a: number, b: number): number {
  return Math.max(a, b);
}
