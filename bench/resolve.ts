import { availableParallelism, loadavg } from "node:os";
import { rounded } from "./quantiles.ts";
import { atLeast, atMost, type Outcome, type Table } from "./report.ts";
import { measureDns, type DnsResult } from "./resolve/dns.ts";
import type { FrontPorts } from "./resolve/fronts.ts";
import { measureHttp, type HttpComparison } from "./resolve/http.ts";
import type { InProcessResult, TableResult } from "./resolve/inProcess.ts";
import { measurePropagation, type Propagation } from "./resolve/propagation.ts";
import { nameOf, SEED } from "./resolve/services.ts";
import { Worker } from "./resolve/worker.ts";

/** Services in the cache of the process that looks them up, and prefixes in its table. */
const CACHED = 100_000;
const PREFIXES = 100_000;
/** Services that the fronts serve; the compared servers have the same names. */
const NAMES = 10_000;

const dnsSettings = { services: NAMES, rounds: 5, seconds: 1.5, clients: 16, quietPerSecond: 2000 };
const httpSettings = { rounds: 5, seconds: 1.5, connections: 32 };
const moveSettings = { nodes: 8, moves: 200, services: 20, gapMs: 20, coldLookups: 100 };

/** All measurements. */
export interface Results {
  setting: readonly string[];
  /** The machine's load in the minute before: other processes affect the figures, too. */
  load: number;
  inProcess: InProcessResult;
  table: TableResult;
  dns: DnsResult;
  http: HttpComparison;
  network: Propagation;
}

const setting = [
  `Seed "${SEED}"; signed records of root services, each with one https endpoint; no chain is involved.`,
  "Each server, load generator and Coral node is a separate process; all run on the same machine, over loopback, and share its cores.",
  "Servers are measured in turn, round by round; figures are medians of the rounds, ratios the median of the rounds' ratios.",
  `DNS: A records of ${NAMES.toLocaleString("en-US")} names drawn at random, dnsperf with ${dnsSettings.clients} clients and 100 outstanding queries; latencies at ${dnsSettings.quietPerSecond} a second.`,
  `HTTP: ${httpSettings.connections} keep-alive connections with one outstanding request each. The target is of the plain server with one answer, which has the least to do.`,
  `Coral: ${moveSettings.nodes} nodes with a resolver each; a move is timed from before its record is signed until the last resolver answers with it.`,
  "Cold lookups: by a node that joined later and has no subscription, through the lookup store.",
];

/** Lookups, fronts and moves of the resolver, with other servers beside it. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const load = rounded(loadavg()[0] ?? NaN, 1);
  const network = await measurePropagation(moveSettings, say);
  const { dns, http } = await measureFronts(say);
  const worker = new Worker("inProcess.ts", ["--expose-gc"]);
  try {
    say(`service table: ${PREFIXES.toLocaleString("en-US")} prefixes`);
    const table = await worker.call<TableResult>("table", PREFIXES);
    say(`in process: ${CACHED.toLocaleString("en-US")} services`);
    const inProcess = await worker.call<InProcessResult>("lookups", CACHED);
    return outcomeOf({ setting, load, inProcess, table, dns, http, network });
  } finally {
    await worker.stop();
  }
}

async function measureFronts(say: (message: string) => void) {
  const fronts = new Worker("fronts.ts");
  const [first, second] = [new Worker("fronts.ts"), new Worker("fronts.ts")];
  const [plain, plainHeld] = [new Worker("plainServers.ts"), new Worker("plainServers.ts")];
  try {
    say(`fronts: ${NAMES.toLocaleString("en-US")} services`);
    const start = (worker: Worker, shared?: FrontPorts) =>
      worker.call<FrontPorts>("start", { services: NAMES, ...(shared && { shared }) });
    const ports = await start(fronts);
    const shared = await start(first, { dns: 0, http: 0 });
    await start(second, shared);
    const plainPort = await plain.call<number>("dns");
    const own = [
      { name: "DNS front", about: "ours, one process", port: ports.dns },
      { name: "two processes", about: "ours, --share-ports", port: shared.dns },
      { name: "plain", about: "node:dgram, one fixed answer", port: plainPort },
    ];
    const dns = await measureDns(own, dnsSettings, say);
    say("HTTP: front and plain servers");
    const paths = Array.from({ length: NAMES }, (_, index) => `/v1/resolve/${nameOf(index + 1)}`);
    const compared = { port: ports.http, sharedPort: shared.http, paths };
    const http = await measureHttp(compared, { plain, plainHeld }, httpSettings);
    return { dns, http };
  } finally {
    await Promise.all([fronts, first, second, plain, plainHeld].map((worker) => worker.stop()));
  }
}

/** Builds tables and targets; without dnsmasq there is no comparison. */
export function outcomeOf(results: Results): Outcome {
  const { inProcess, network, dns } = results;
  const { dnsmasq } = dns.ours;
  const busy = `Load of the machine in the minute before: ${results.load}, of ${availableParallelism()} cores.`;
  const notes = [...results.setting, busy];
  return {
    results: { ...results },
    tables: [
      { title: "What this is", columns: ["note"], rows: notes.map((note) => [note]) },
      lookupTable(results),
      dnsTable(results.dns),
      httpTable(results.http),
      networkTable(network),
    ],
    targets: [
      atLeast("lookupsPerSecond", inProcess.byId, "a second", 1_000_000),
      atMost("propagationP99Ms", network.allMs.p99, "ms", 250),
      atLeast("httpVsPlain", results.http.oursVsPlain, "of node:http", 0.7),
      ...(dnsmasq === undefined ? [] : [atLeast("dnsVsDnsmasq", dnsmasq, "of dnsmasq", 0.8)]),
    ],
  };
}

function lookupTable({ inProcess, table }: Results): Table {
  const { services, memory } = inProcess;
  return {
    title: "In one process, one thread",
    columns: ["what", "of", "a second", "bytes each", "bytes a 100,000"],
    rows: [
      ["cached lookup by ID", services, inProcess.byId, "", ""],
      ["the same, the ID's text made anew", services, inProcess.byFreshId, "", ""],
      ["cached lookup by name", services, inProcess.byName, "", ""],
      ["a Map of the same IDs and nothing else", services, inProcess.mapAlone, "", ""],
      ["lookup on demand, the record signed with it", services, inProcess.filled, "", ""],
      ["memory of a cached service", services, "", memory.bytesPerService, memory.bytesPer100000],
      [
        "service table, the longest of the prefixes",
        ...[table.prefixes, table.hits, table.bytesPerPrefix, table.bytesPerPrefix * 100_000],
      ],
      ["service table, random IDs", table.prefixes, table.random, "", ""],
    ],
  };
}

function dnsTable({ servers, missing, skipped, ours, ofDnsmasq }: DnsResult): Table {
  return {
    title: "DNS over UDP, the same names",
    columns: [
      ...["server", "about", "answers a second", "ours over it", "of dnsmasq"],
      ...["ms p50", "p99", "most"],
    ],
    rows: [
      ...servers.map(({ name, about, perSecond, latencyMs: { p50, p99, max } }) => [
        ...[name, about, perSecond, ours[name] ?? "", ofDnsmasq[name] ?? "", p50, p99, max],
      ]),
      ...missing.map((name) => [name, "not installed", "", "", "", "", "", ""]),
      ...(skipped === undefined ? [] : [["all", skipped, "", "", "", "", "", ""]]),
    ],
  };
}

function httpTable({ servers, bodyBytes, oursVsPlain, oursVsHeld }: HttpComparison): Table {
  return {
    title: `HTTP, ${bodyBytes.toLocaleString("en-US")} bytes a body; the front reaches ${oursVsPlain} of the plain server with one answer, ${oursVsHeld} of the one with the same answers`,
    columns: ["server", "answers a second", "ms p50", "p99", "most"],
    rows: servers.map(({ name, perSecond, latencyMs: { p50, p99, max } }) => [
      ...[name, perSecond, p50, p99, max],
    ]),
  };
}

function networkTable({ settings, allMs, eachMs, coldMs, missed }: Propagation): Table {
  const row = (what: string, times: number, { p50, p99, max }: typeof allMs) => [
    ...[what, times, p50, p99, max],
  ];
  return {
    title: `Coral, ${settings.nodes} nodes in a process each; ${missed} moves missed by some resolver`,
    columns: ["what", "times", "ms p50", "p99", "most"],
    rows: [
      row("a move, until all resolvers answer with it", settings.moves, allMs),
      row("a move, until each does", settings.moves * settings.nodes, eachMs),
      row("cold lookup through the store", settings.coldLookups, coldMs),
    ],
  };
}
