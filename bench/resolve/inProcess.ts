import type { Hex } from "viem";
import { ServiceTable } from "../../src/resolver/table/serviceTable.ts";
import type { ServiceResolver } from "../../src/resolver/serviceResolver.ts";
import { seeded } from "../coral-scale/random.ts";
import { rounded } from "../quantiles.ts";
import { callsPerSecond } from "../rounds.ts";
import { idOf, nameOf, SEED } from "./services.ts";
import { signingNetwork, syntheticResolver } from "./syntheticResolver.ts";
import { serve } from "./worker.ts";

const RUNS = 5;
const CALLS = 1_000_000;

/** Lookups a second in one process, one thread. */
export interface InProcessResult {
  services: number;
  /** With service IDs that the caller keeps, in random order. */
  byId: number;
  /** With a new string for each lookup, as from a request, so that its hash is not cached. */
  byFreshId: number;
  byName: number;
  /** A `Map` with these IDs in the same order: the upper bound. */
  mapAlone: number;
  /** Lookups on demand a second while the cache is filled, including signing and checking. */
  filled: number;
  memory: {
    /** Heap and buffers that the resolver holds for its services. */
    bytes: number;
    bytesPerService: number;
    bytesPer100000: number;
  };
}

/** The service table alone. */
export interface TableResult {
  prefixes: number;
  /** IDs of random services, each with one of the prefixes. */
  hits: number;
  /** Random IDs, of which few have a prefix in the table. */
  random: number;
  bytesPerPrefix: number;
}

serve({ lookups, table });

async function lookups(services: number): Promise<InProcessResult> {
  const ids = Array.from({ length: services }, (_, index) => idOf(index + 1));
  const names = ids.map((_, index) => nameOf(index + 1));
  const resolver = syntheticResolver(services, signingNetwork());
  await resolver.start();
  const before = heldBytes();
  const from = performance.now();
  for (const id of ids) await resolver.resolve(id);
  const filled = services / ((performance.now() - from) / 1000);
  const bytes = heldBytes() - before;
  for (const name of names) await resolver.resolve(name);
  try {
    return {
      services,
      ...measure(resolver, ids, names),
      filled: rounded(filled),
      memory: {
        bytes,
        bytesPerService: rounded(bytes / services),
        bytesPer100000: rounded((bytes / services) * 100_000),
      },
    };
  } finally {
    await resolver.stop();
  }
}

function measure(resolver: ServiceResolver, ids: readonly Hex[], names: readonly string[]) {
  const order = drawn(ids.length);
  let found = 0;
  const byId = callsPerSecond(RUNS, CALLS, (calls) => {
    for (let call = 0; call < calls; call += 1) {
      const id = ids[order[call] ?? 0];
      if (id !== undefined && resolver.lookup(id) !== undefined) found += 1;
    }
  });
  const text = Buffer.from(ids.join(""));
  const byFreshId = callsPerSecond(RUNS, CALLS, (calls) => {
    for (let call = 0; call < calls; call += 1) {
      const at = 66 * (order[call] ?? 0);
      if (resolver.lookup(text.toString("latin1", at, at + 66) as Hex) !== undefined) found += 1;
    }
  });
  const byName = callsPerSecond(RUNS, CALLS, (calls) => {
    for (let call = 0; call < calls; call += 1) {
      const name = names[order[call] ?? 0];
      if (name !== undefined && resolver.lookupName(name) !== undefined) found += 1;
    }
  });
  const map = new Map(ids.map((id, index) => [`0x${id.slice(2)}`, { index }]));
  const mapAlone = callsPerSecond(RUNS, CALLS, (calls) => {
    for (let call = 0; call < calls; call += 1) {
      if (map.get(ids[order[call] ?? 0] ?? "") !== undefined) found += 1;
    }
  });
  const expected = 4 * (RUNS + 1) * CALLS;
  if (found !== expected) throw new Error(`${found} of ${expected} lookups found something.`);
  return { byId, byFreshId, byName, mapAlone };
}

function table(prefixes: number): TableResult {
  const before = heldBytes();
  const rules = new ServiceTable(Math.random);
  const random = seeded(`${SEED} table`);
  const ids: Hex[] = [];
  for (let id = 1; id <= prefixes; id += 1) {
    // Most prefixes are a root service with all below it; some are of a group, some of one ID.
    const length = [64, 64, 64, 96, 256][random.below(5)] ?? 64;
    const digits = [16, 8, 40].map((count) => hexDigits(count, random.below));
    const bits = digits
      .join("")
      .slice(0, length / 4)
      .padEnd(64, "0");
    ids.push(`0x${digits.join("")}`);
    rules.add({
      id,
      prefix: { bits: `0x${bits}`, length },
      action: { kind: "delay" },
      priority: 0,
      weight: 1,
    });
  }
  const bytes = heldBytes() - before;
  const others = ids.map(() => `0x${hexDigits(64, random.below)}` as const);
  const order = drawn(prefixes);
  let matched = 0;
  const rate = (among: readonly Hex[]) =>
    callsPerSecond(RUNS, CALLS, (calls) => {
      for (let call = 0; call < calls; call += 1) {
        const id = among[order[call] ?? 0];
        if (id !== undefined && rules.match(id).rule.id > 0) matched += 1;
      }
    });
  const hits = rate(ids);
  if (matched !== (RUNS + 1) * CALLS) throw new Error(`${matched} lookups matched a prefix.`);
  return { prefixes, hits, random: rate(others), bytesPerPrefix: rounded(bytes / prefixes) };
}

/** The order of lookups, drawn before. */
function drawn(below: number): Uint32Array {
  const random = seeded(`${SEED} order`);
  return Uint32Array.from({ length: CALLS }, () => random.below(below));
}

function hexDigits(count: number, below: (bound: number) => number): string {
  return Array.from({ length: count }, () => below(16).toString(16)).join("");
}

/** Reachable memory after garbage collection. */
function heldBytes(): number {
  if (globalThis.gc === undefined) throw new Error("Start it with --expose-gc.");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
