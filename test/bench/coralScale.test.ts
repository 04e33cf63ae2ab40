import { expect } from "chai";
import fc from "fast-check";
import { closestKnown, closestOfAll } from "../../bench/coral-scale/closest.ts";
import { buildMesh, MESH, spread } from "../../bench/coral-scale/gossip.ts";
import { lookup } from "../../bench/coral-scale/lookup.ts";
import { seeded } from "../../bench/coral-scale/random.ts";
import { measureScale } from "../../bench/coral-scale/scale.ts";
import { SLOPPY, sloppyLoad, sloppyPath, storeBound } from "../../bench/coral-scale/sloppy.ts";
import {
  buildTopology,
  commonPrefix,
  distance,
  flipped,
  idOf,
} from "../../bench/coral-scale/topology.ts";

const LEASE_MS = 60_000;

const ids = fc.string().map(idOf);
const manners = fc.record({
  alpha: fc.integer({ min: 1, max: 10 }),
  paths: fc.integer({ min: 1, max: 10 }),
  answers: fc.integer({ min: 1, max: 3 }),
});
const networks = fc.record({
  seed: fc.string({ maxLength: 8 }),
  size: fc.integer({ min: 2, max: 300 }),
  bucketSize: fc.integer({ min: 1, max: 20 }),
});

describe("the simulated network", () => {
  it("has a distance that is XOR's: symmetric, zero only to itself, a prefix longer means closer", () => {
    fc.assert(
      fc.property(ids, ids, ids, (a, b, c) => {
        expect(distance(a, b)).to.equal(distance(b, a));
        expect(distance(a, a)).to.equal(0);
        expect(distance(a, c)).to.be.at.most(distance(a, b) + distance(b, c));
        if (commonPrefix(a, b) > commonPrefix(a, c)) {
          expect(distance(a, b)).to.be.below(distance(a, c));
        }
      }),
    );
  });

  it("corrects one bit at a time until two IDs are the same", () => {
    fc.assert(
      fc.property(ids, ids, (from, to) => {
        let aim = from;
        for (let steps = 0; distance(aim, to) > 0; steps += 1) {
          expect(steps).to.be.below(52);
          const next = flipped(aim, commonPrefix(aim, to));
          expect(commonPrefix(next, to)).to.be.above(commonPrefix(aim, to));
          aim = next;
        }
      }),
    );
  });

  it("fills each bucket with all of its nodes, or with as many as it takes", () => {
    fc.assert(
      fc.property(networks, ({ seed, size, bucketSize }) => {
        const topology = buildTopology(seed, size, bucketSize);
        topology.tables.forEach((table, node) => {
          const prefixTo = (other: number) => commonPrefix(topology.id(node), topology.id(other));
          const held = new Map<number, number>();
          const there = new Map<number, number>();
          for (const other of table) {
            held.set(prefixTo(other), (held.get(prefixTo(other)) ?? 0) + 1);
          }
          for (let other = 0; other < size; other += 1) {
            if (other !== node) there.set(prefixTo(other), (there.get(prefixTo(other)) ?? 0) + 1);
          }
          expect(new Set(table).size).to.equal(table.length);
          expect(table.includes(node)).to.equal(false);
          for (const [prefix, count] of there) {
            expect(held.get(prefix)).to.equal(Math.min(count, bucketSize));
          }
        });
      }),
      { numRuns: 20 },
    );
  });
});

describe("the simulated lookup", () => {
  it("finds the closest node of a static network always, and of the k closest all but a few", () => {
    fc.assert(
      fc.property(networks, ids, fc.nat(), manners, (net, id, who, manner) => {
        const topology = buildTopology(net.seed, net.size, 20);
        const from = who % net.size;
        const { closest, requests } = lookup(
          topology,
          { from, target: id, ...manner },
          seeded(net.seed),
        );
        const truth = closestOfAll(topology, id, 21).filter((node) => node !== from);
        expect(closest[0]).to.equal(truth[0]);
        // Only referrals closer than who refers are followed, so that one of the furthest may be missed.
        const found = truth.slice(0, 20).filter((node) => closest.includes(node));
        expect(found.length).to.be.at.least(Math.min(20, truth.length) - 2);
        expect(requests).to.be.at.most(net.size - 1);
      }),
      { numRuns: 50 },
    );
  });

  it("ends with the first node that has the record, and finds it past the dead", () => {
    const topology = buildTopology("lookup", 1000, 20);
    const target = idOf("a record");
    const stored = closestOfAll(topology, target, 20);
    const from = closestOfAll(topology, flipped(target, 0), 1)[0]!;
    const asked: number[] = [];
    const onRequest = (node: number) => asked.push(node);
    const options = { from, target, alpha: 3, paths: 1, answers: 1, onRequest };

    const all = lookup(topology, { ...options, holders: new Set(stored) }, seeded("1"));
    expect(all.found).to.equal(true);
    expect(asked.length).to.equal(all.requests);

    const dead = new Set(stored.slice(0, 19));
    const last = new Set(stored.slice(19));
    expect(lookup(topology, { ...options, holders: last, dead }, seeded("1")).found).to.equal(true);
    const gone = new Set(stored);
    const none = lookup(topology, { ...options, holders: gone, dead: gone }, seeded("1"));
    expect(none.found).to.equal(false);
    expect(none.elapsedMs).to.be.above(1000);
  });

  it("counts referrals as hops: a node of the own table is one away", () => {
    const topology = buildTopology("hops", 500, 20);
    const target = idOf("hops");
    const known = closestKnown(topology, 0, target);
    const holders = new Set(known);
    const { hops, requests } = lookup(
      topology,
      { from: 0, target, alpha: 1, paths: 1, answers: 1, holders },
      seeded("1"),
    );
    expect({ hops, requests }).to.deep.equal({ hops: 1, requests: 1 });
  });
});

describe("simulated sloppy storing", () => {
  const topology = buildTopology("sloppy", 494, 20);
  const ways = ["a", "b", "c", "d", "e"].map((name) => {
    const key = idOf(`key ${name}`);
    const paths = topology.tables.map((_, node) => sloppyPath(topology, node, key));
    return { key, paths, closest: closestOfAll(topology, key, 1)[0]! };
  });

  it("goes closer to the key with each hop, to the closest node of all", () => {
    for (const { key, paths, closest } of ways) {
      for (const path of paths) {
        const away = path.map((node) => distance(topology.id(node), key));
        expect(away).to.deep.equal([...new Set(away)].sort((a, b) => b - a));
        expect(path.at(-1)).to.equal(closest);
      }
    }
  });

  it("lets a neighbour hand on no more than the leak rate, whatever is offered", () => {
    for (const storesPerMinute of [1e5, 1e6]) {
      for (const { paths } of ways) {
        const before = new Map<number, Set<number>>();
        for (const path of paths) {
          path.slice(1).forEach((node, index) => {
            const from = path[index]!;
            before.set(node, (before.get(node) ?? new Set()).add(from));
          });
        }
        const heat = { storesPerMinute, lookupsPerMinute: 0, leaseMs: LEASE_MS };
        const { stores } = sloppyLoad(paths, heat, seeded("load"));
        stores.forEach((count, node) => {
          // And what it lets through to fill it again: its values age twice a minute.
          const each = SLOPPY.leakPerMinute + 1 + 2 * SLOPPY.values;
          const most = each * (before.get(node)?.size ?? 0);
          expect(count).to.be.at.most(most);
        });
      }
    }
  });

  it("keeps the closest node near the published bound, where plain storing gives it everything", () => {
    const heat = { storesPerMinute: 2e6, lookupsPerMinute: 0, leaseMs: LEASE_MS };
    const loads = ways.map(
      ({ paths, closest }) => sloppyLoad(paths, heat, seeded("load")).stores[closest]!,
    );
    const middle = loads.sort((a, b) => a - b)[2]!;
    expect(storeBound(494)).to.equal(108);
    expect(middle).to.be.within(108 / 3, 108 * 1.5);
    expect(Math.max(...loads)).to.be.at.most(108 * 2.5);
  });

  it("answers a hot key's lookups before they reach the closest node", () => {
    const heat = { storesPerMinute: 494, lookupsPerMinute: 494, leaseMs: LEASE_MS };
    for (const { paths } of ways) {
      const { lookups, lookupRequests } = sloppyLoad(paths, heat, seeded("looks"));
      expect(Math.max(...lookups)).to.be.below(494 / 8);
      expect(lookupRequests.length).to.be.within(400, 600);
    }
  });
});

describe("the simulated mesh", () => {
  it("links both ways within the degree, and reaches all nodes", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 2, max: 400 }), (seed, size) => {
        const mesh = buildMesh(size, seeded(seed));
        mesh.forEach((links, node) => {
          expect(links.size).to.be.at.most(MESH.most);
          expect(links.has(node)).to.equal(false);
          for (const link of links) expect(mesh[link]!.has(node)).to.equal(true);
        });
        const { reached, messages, degree } = spread(mesh, 0);
        expect(reached).to.equal(size);
        expect(messages).to.equal(Math.round(degree * size) - (size - 1));
      }),
      { numRuns: 30 },
    );
  });
});

describe("the simulation", () => {
  const settings = {
    seed: "same",
    designs: [{ name: "ours", bucketSize: 20, alpha: 3, paths: 2, answers: 1 }] as const,
    leaseMs: LEASE_MS,
    paperStoresPerMinute: 20_000,
    lookups: 20,
    hotKeys: 2,
    publications: 2,
    deadShare: 0.2,
  };

  it("gives the same figures for the same seed, and others for another", () => {
    const first = measureScale(150, settings);
    expect(measureScale(150, settings)).to.deep.equal(first);
    expect(measureScale(150, { ...settings, seed: "other" })).not.to.deep.equal(first);
  });
});
