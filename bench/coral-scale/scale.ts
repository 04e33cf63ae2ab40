import { mean, median, quantiles, rounded, type Quantiles } from "../quantiles.ts";
import { buildMesh, spread } from "./gossip.ts";
import type { Manner } from "./lookup.ts";
import { measureHotKey, measureKademlia, type HotKey, type Kademlia } from "./kademlia.ts";
import { seeded, type Random } from "./random.ts";
import { closestOfAll } from "./closest.ts";
import { sloppyLoad, sloppyPath, storeBound, type Heat } from "./sloppy.ts";
import { buildTopology, idOf, type Topology } from "./topology.ts";

/** Parameters of the simulation at each size. */
export interface Settings {
  seed: string;
  /** Configurations of Kademlia. The first is Blockcloud's; sloppy storing uses its tables. */
  designs: readonly [Design, ...Design[]];
  leaseMs: number;
  /** Stores a minute of a hot key in the published measurement. */
  paperStoresPerMinute: number;
  lookups: number;
  hotKeys: number;
  publications: number;
  deadShare: number;
}

/** A configuration of Kademlia. */
export interface Design extends Manner {
  name: string;
  /** Contacts of a bucket, and nodes that store a record: k. */
  bucketSize: number;
}

/** Load on a hot key under sloppy storing, medians over the keys. */
export interface Sloppy {
  offered: { storesPerMinute: number; lookupsPerMinute: number };
  /** Store requests a minute at the node closest to the key; the bound is for these. */
  storesAtClosest: { median: number; max: number };
  storesAtBusiest: number;
  /** Values stored per minute at the node closest to the key, in addition to `storesAtClosest`. */
  insertsAtClosest: number;
  lookupsAtBusiest: number;
  requestsPerStore: number;
  requestsPerLookup: number;
  bound: number;
  ratioToBound: number;
}

/** The results at one size. */
export interface Scale {
  nodes: number;
  kademlia: (Kademlia & { name: string; contacts: Quantiles; hotKey: HotKey })[];
  gossip: { degree: number; hops: Quantiles; messages: number; reachedAll: boolean };
  sloppy: {
    hops: Quantiles;
    /** The share of paths that end at the node closest to the key. */
    arrives: number;
    /** Each node keeps the record for a lease, looks it up again and stores a reference to itself. */
    lease: Sloppy;
    /** The rate of stores of the published measurement. */
    paper: Sloppy;
  };
}

/** Simulates one size. The same settings give the same figures. */
export function measureScale(nodes: number, settings: Settings): Scale {
  const { seed, designs, leaseMs } = settings;
  const random = seeded(`${seed} ${nodes} draws`);
  const keys = Array.from({ length: settings.hotKeys }, (_, index) => `hot key ${index}`);
  const build = (bucketSize: number) => buildTopology(`${seed} ${nodes}`, nodes, bucketSize);
  const kademlia = designs.map((design) =>
    measureDesign(build(design.bucketSize), design, keys, settings, random),
  );
  const topology = build(designs[0].bucketSize);
  const spreads = Array.from({ length: settings.publications }, () =>
    spread(buildMesh(nodes, random), random.below(nodes)),
  );
  const ways = keys.map((key) => waysTo(topology, key));
  const everyone = Math.round((nodes * 60_000) / leaseMs);
  const sloppy = (heat: Heat) => measureSloppy(ways, heat, nodes, random);
  const paths = ways.flatMap(({ paths: all }) => all.map((path) => path.length - 1));
  return {
    nodes,
    kademlia,
    gossip: {
      degree: rounded(mean(spreads.map(({ degree }) => degree)), 1),
      hops: quantiles(spreads.map(({ hops }) => hops)),
      messages: rounded(mean(spreads.map(({ messages }) => messages))),
      reachedAll: spreads.every(({ reached }) => reached === nodes),
    },
    sloppy: {
      hops: quantiles(paths),
      arrives: rounded(mean(ways.map(({ arrives }) => arrives)), 4),
      lease: sloppy({ storesPerMinute: everyone, lookupsPerMinute: everyone, leaseMs }),
      paper: sloppy({
        storesPerMinute: settings.paperStoresPerMinute,
        lookupsPerMinute: 0,
        leaseMs,
      }),
    },
  };
}

function measureDesign(
  topology: Topology,
  design: Design,
  keys: readonly string[],
  settings: Settings,
  random: Random,
): Scale["kademlia"][number] {
  const { lookups: count, deadShare, leaseMs } = settings;
  const { name, alpha, paths, answers } = design;
  const manner = { alpha, paths, answers };
  // A publisher stores again after half of its lease.
  const storesPerMinute = (2 * 60_000) / leaseMs;
  const hot = keys.map((key) => measureHotKey(topology, { key, manner, storesPerMinute }, random));
  const lookupsPerMinute = median(hot.map((load) => load.lookupsPerMinute));
  return {
    name,
    contacts: quantiles(topology.tables.map(({ length }) => length)),
    ...measureKademlia(topology, { manner, count, deadShare }, random),
    hotKey: { lookupsPerMinute, storesPerMinute },
  };
}

interface Ways {
  closest: number;
  paths: number[][];
  arrives: number;
}

function waysTo(topology: Topology, key: string): Ways {
  const target = idOf(key);
  const closest = closestOfAll(topology, target, 1)[0] ?? 0;
  const paths = topology.tables.map((_, node) => sloppyPath(topology, node, target));
  const arriving = paths.filter((path) => path.at(-1) === closest).length;
  return { closest, paths, arrives: arriving / paths.length };
}

function measureSloppy(ways: readonly Ways[], heat: Heat, nodes: number, random: Random): Sloppy {
  const loads = ways.map(({ closest, paths }) => {
    const { stores, inserts, lookups, lookupRequests, storeRequests } = sloppyLoad(
      paths,
      heat,
      random,
    );
    return {
      closest: stores[closest] ?? 0,
      inserts: inserts[closest] ?? 0,
      busiest: stores.reduce((a, b) => Math.max(a, b), 0),
      lookups: lookups.reduce((a, b) => Math.max(a, b), 0),
      requestsPerLookup: lookupRequests.length === 0 ? 0 : mean(lookupRequests),
      requestsPerStore: storeRequests.sum / storeRequests.count,
    };
  });
  const closest = loads.map((load) => load.closest);
  const bound = storeBound(nodes);
  return {
    offered: { storesPerMinute: heat.storesPerMinute, lookupsPerMinute: heat.lookupsPerMinute },
    storesAtClosest: { median: median(closest), max: Math.max(...closest) },
    storesAtBusiest: median(loads.map(({ busiest }) => busiest)),
    insertsAtClosest: median(loads.map(({ inserts }) => inserts)),
    lookupsAtBusiest: median(loads.map(({ lookups }) => lookups)),
    requestsPerStore: rounded(mean(loads.map(({ requestsPerStore }) => requestsPerStore)), 4),
    requestsPerLookup: rounded(mean(loads.map(({ requestsPerLookup }) => requestsPerLookup)), 2),
    bound,
    ratioToBound: rounded(median(closest) / bound, 2),
  };
}
