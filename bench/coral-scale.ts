import { MESH } from "./coral-scale/gossip.ts";
import { ROUND_TRIP_MS } from "./coral-scale/lookup.ts";
import { measureScale, type Scale, type Settings } from "./coral-scale/scale.ts";
import { SLOPPY } from "./coral-scale/sloppy.ts";
import type { Outcome, Table } from "./report.ts";

/** 494 is the size of Coral's published measurement. */
const SIZES = [100, 300, 494, 1000, 3000, 10_000];

const settings: Settings = {
  seed: "blockcloud",
  designs: [
    { name: "ours", bucketSize: 8, alpha: 4, paths: 4, answers: 3 },
    { name: "kad-dht's 10 paths", bucketSize: 8, alpha: 10, paths: 10, answers: 3 },
    { name: "k 20, alpha 3", bucketSize: 20, alpha: 3, paths: 1, answers: 1 },
  ],
  leaseMs: 60_000,
  paperStoresPerMinute: 12_000_000,
  lookups: 1000,
  hotKeys: 3,
  publications: 20,
  deadShare: 0.2,
};

/** Freedman, Freudenthal, Mazieres: Democratizing content publication with Coral, NSDI 2004. */
const published = {
  nodes: 494,
  storesPerMinuteOffered: 12_000_000,
  storesPerMinuteAtClosest: 83,
  bound: 108,
};

const simulated = [
  `All figures are simulated; no message was sent. Seed "${settings.seed}" gives the same figures on every machine.`,
  ...settings.designs.map(
    ({ name, bucketSize, alpha, paths, answers }) =>
      `Kademlia, ${name}: k ${bucketSize}, ${paths === 1 ? "one path" : `${paths} disjoint paths`} with ${alpha} requests under way, ended by ${answers} answers; referrals as in @libp2p/kad-dht, IDs from SHA-256.`,
  ),
  "Routing tables are full and correct: for each length of common prefix they have all nodes with it, or k drawn at random. libp2p's tables may have more.",
  `A request and its response take ${ROUND_TRIP_MS.from} to ${ROUND_TRIP_MS.to} ms, drawn evenly. No loss, no queues, no bandwidth.`,
  `No node joins or leaves. In the rows "dead", ${settings.deadShare * 100} % of the nodes are silent and no table is repaired; other nodes time out after 1,000 ms.`,
  `Gossip: a random mesh with target degree ${MESH.degree} and maximum ${MESH.most}; all nodes subscribe; mesh messages only.`,
  `Sloppy storing is Coral's algorithm on Blockcloud's tables: a node is full with ${SLOPPY.values} values and lets ${SLOPPY.leakPerMinute} requests through per minute; each hop corrects one bit; requests take no time. Blockcloud does not use it.`,
  "Coral's bound assumes that log2(n) nodes forward to the closest one. In Kademlia's tables more nodes do, so some keys are above the bound.",
  `Hot key: ${settings.hotKeys} keys, medians; every node sends one lookup per lease of ${settings.leaseMs / 1000} s, and no node is subscribed. A subscribed resolver sends no lookups.`,
];

/** Simulated lookups, pushes and load on a hot key, beside Coral's published bound. */
export function run(say: (message: string) => void): Promise<Outcome> {
  const scales = SIZES.map((nodes) => {
    say(`simulating ${nodes.toLocaleString("en-US")} nodes`);
    return measureScale(nodes, settings);
  });
  return Promise.resolve({
    results: { simulated, settings, published, scales },
    tables: [
      { title: "What this is", columns: ["note"], rows: simulated.map((note) => [note]) },
      lookupTable(scales),
      gossipTable(scales),
      hotKeyTable(scales),
      boundTable(scales),
    ],
    targets: [],
  });
}

function lookupTable(scales: readonly Scale[]): Table {
  return {
    title: "Kademlia: a lookup (hops and requests: median, p99, most)",
    columns: [
      ...["nodes", "design", "contacts", "kind", "hops", "p99", "most", "requests", "p99", "most"],
      ...["ms", "p99", "found", "requests a store"],
    ],
    rows: scales.flatMap(({ nodes, kademlia }) =>
      kademlia.flatMap(({ name, contacts, requestsPerStore, ...kinds }) => {
        const { findClosest, getRecord, getWithDead } = kinds;
        const rows = [
          { kind: "closest", ...findClosest, found: findClosest.correct, store: requestsPerStore },
          { kind: "record", ...getRecord, store: "" },
          { kind: "record, dead", ...getWithDead, store: "" },
        ];
        return rows.map(({ kind, hops, requests, elapsedMs, found, store }) => [
          ...[nodes, name, contacts.p50, kind, hops.p50, hops.p99, hops.max],
          ...[requests.p50, requests.p99, requests.max, elapsedMs.p50, elapsedMs.p99],
          ...[found, store],
        ]);
      }),
    ),
  };
}

function gossipTable(scales: readonly Scale[]): Table {
  return {
    title: "Gossip: a publication to all nodes",
    columns: ["nodes", "links of a node", "hops", "most", "messages", "all reached"],
    rows: scales.map(({ nodes, gossip }) => [
      ...[nodes, gossip.degree, gossip.hops.p50, gossip.hops.max, gossip.messages],
      gossip.reachedAll ? "yes" : "no",
    ]),
  };
}

function hotKeyTable(scales: readonly Scale[]): Table {
  return {
    title: "A hot key that every node looks up once a lease: requests a minute at the busiest node",
    columns: ["nodes", "design", "stores offered", "lookups offered", "stores", "lookups"],
    rows: scales.flatMap(({ nodes, kademlia, sloppy: { lease } }) => [
      ...kademlia.map(({ name, hotKey: { storesPerMinute, lookupsPerMinute } }) => [
        ...[nodes, `Kademlia, ${name}, one publisher`, storesPerMinute, nodes],
        ...[storesPerMinute, lookupsPerMinute],
      ]),
      [
        ...[nodes, "sloppy, all store", lease.offered.storesPerMinute],
        ...[lease.offered.lookupsPerMinute, lease.storesAtBusiest, lease.lookupsAtBusiest],
      ],
    ]),
  };
}

function boundTable(scales: readonly Scale[]): Table {
  const offered = settings.paperStoresPerMinute.toLocaleString("en-US");
  return {
    title: `Sloppy storing under ${offered} stores a minute of one key; Coral's paper measured ${published.storesPerMinuteAtClosest} at ${published.nodes} nodes, bound ${published.bound}`,
    columns: [
      ...["nodes", "hops", "most", "stores at the closest", "worst key", "at the busiest"],
      ...["inserts at the closest", "bound", "ratio", "Kademlia's closest would get"],
    ],
    rows: scales.map(({ nodes, sloppy: { hops, paper } }) => [
      ...[nodes, hops.p50, hops.max, paper.storesAtClosest.median, paper.storesAtClosest.max],
      ...[paper.storesAtBusiest, paper.insertsAtClosest, paper.bound, paper.ratioToBound],
      paper.offered.storesPerMinute,
    ]),
  };
}
