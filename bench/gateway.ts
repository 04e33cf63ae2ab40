import { loadavg } from "node:os";
import { SMALL_BYTES } from "./gateway/sizes.ts";
import { peerNames, startPeer, type Peer } from "./gateway/peers.ts";
import type { Memory } from "./gateway/servers.ts";
import { median, rounded } from "./quantiles.ts";
import { atLeast, atMost, type Outcome, type Table } from "./report.ts";
import type { HttpLoad, HttpResult } from "./resolve/httpLoad.ts";
import { Worker } from "./resolve/worker.ts";
import { alternately, medianRatio } from "./rounds.ts";

const settings = {
  rounds: 11,
  seconds: 1,
  connections: 32,
  bulkRounds: 5,
  bulkBytes: 2 ** 30,
  /** Connections that are open when memory is measured first, and those that are opened then. */
  idleBefore: 2_000,
  idleConnections: 4_000,
  /**
   * Requests before memory is measured first, and then between the two measurements. V8 lets its young generation
   * grow in the first 60,000, up to a bound that the machine's memory sets.
   */
  warmRequests: 60_000,
  soakRequests: 200_000,
};

const NONCE = `Service-Nonce: 0x${"a1".repeat(32)}\r\n`;
const KIB = 1024;
const MIB = 1024 * 1024;

/** A proxy under measurement: its port, and further fields of each request. */
interface Candidate {
  port: number;
  headers: string;
}

/** Requests a second, bytes a second and memory of the gateway, beside other proxies in the same run. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const load = rounded(loadavg()[0] ?? NaN, 1);
  const file = "../gateway/servers.ts";
  const upstream = new Worker(file);
  const nodeProxy = new Worker(file);
  const gateway = new Worker(file);
  // Their memory must not have room that earlier measurements have left.
  const quiet = new Worker(file, ["--expose-gc"]);
  const quietNode = new Worker(file, ["--expose-gc"]);
  const client = new Worker("httpLoad.ts");
  const bulk = new Worker("../gateway/load.ts");
  const peers: Peer[] = [];
  const missing: string[] = [];
  try {
    const upstreamPort = await upstream.call<number>("upstream");
    const port = await gateway.call<number>("gateway", upstreamPort);
    const candidates: Record<string, Candidate> = {
      node: { port: await nodeProxy.call<number>("nodeProxy", upstreamPort), headers: "" },
      gateway: { port, headers: "" },
      receipt: { port, headers: NONCE },
    };
    for (const name of peerNames) {
      const peer = await startPeer(name, upstreamPort);
      if (peer === undefined) missing.push(name);
      else {
        peers.push(peer);
        candidates[name] = { port: peer.port, headers: "" };
      }
    }
    say(`small requests through ${Object.keys(candidates).join(", ")}`);
    const rates = await measureRates(client, candidates);
    say("1 GiB through each");
    const bulkRates = await measureBulk(bulk, candidates);
    say(`memory: ${settings.idleConnections} idle connections`);
    const held = [
      { proxy: quiet, port: await quiet.call<number>("gateway", upstreamPort) },
      { proxy: quietNode, port: await quietNode.call<number>("nodeProxy", upstreamPort) },
    ];
    const [idle = NONE, idleOfNode = NONE] = await inTurn(held, ({ proxy, port }) =>
      measureIdle(proxy, bulk, port),
    );
    say(`memory: ${settings.soakRequests} requests`);
    const [rssGrowthMiB = NaN, rssGrowthOfNode = NaN] = await inTurn(held, ({ proxy, port }) =>
      measureGrowth(proxy, client, port),
    );
    const versions = Object.fromEntries(peers.map(({ name, version }) => [name, version]));
    return outcomeOf({
      load,
      missing,
      versions,
      rates,
      bulkRates,
      idle,
      idleOfNode,
      rssGrowthMiB,
      rssGrowthOfNode,
    });
  } finally {
    const workers = [upstream, nodeProxy, gateway, quiet, quietNode, client, bulk];
    await Promise.all([...workers, ...peers].map((each) => each.stop()));
  }
}

type Rates = Record<string, number[]>;

async function measureRates(client: Worker, candidates: Record<string, Candidate>): Promise<Rates> {
  const measures = Object.fromEntries(
    Object.entries(candidates).map(([name, { port, headers }]) => [
      name,
      async () => {
        const { connections, seconds } = settings;
        const asked: HttpLoad = {
          ...{ port, paths: ["/"], headers, connections, milliseconds: 1000 * seconds },
        };
        return (await client.call<HttpResult>("run", asked)).perSecond;
      },
    ]),
  );
  // Once without counting: code and connections warm up.
  await alternately(1, measures);
  return alternately(settings.rounds, measures);
}

function measureBulk(bulk: Worker, candidates: Record<string, Candidate>): Promise<Rates> {
  const bytes = settings.bulkBytes;
  const plain = Object.entries(candidates).filter(([, { headers }]) => headers === "");
  return alternately(
    settings.bulkRounds,
    Object.fromEntries(
      plain.map(([name, { port }]) => [name, () => bulk.call<number>("bulk", { port, bytes })]),
    ),
  );
}

/** Memory of one idle connection, bytes. */
interface Idle {
  /** Of the process: with what the heap keeps for growth, and V8's pages that are partly used. */
  rss: number;
  /** Of objects on the JavaScript heap. */
  heap: number;
}
const NONE: Idle = { rss: NaN, heap: NaN };

async function inTurn<T, R>(subjects: readonly T[], measure: (subject: T) => Promise<R>) {
  const results: R[] = [];
  for (const subject of subjects) results.push(await measure(subject));
  return results;
}

async function measureIdle(proxy: Worker, bulk: Worker, port: number): Promise<Idle> {
  const connections = settings.idleConnections;
  // Code is compiled, and the heap has grown by the steps in which V8 lets it.
  await bulk.call("idle", { port, connections: settings.idleBefore });
  const before = await proxy.call<Memory>("memory");
  await bulk.call("idle", { port, connections });
  const after = await proxy.call<Memory>("memory");
  await bulk.call("release");
  return {
    rss: rounded((after.rss - before.rss) / connections),
    heap: rounded((after.heap - before.heap) / connections),
  };
}

async function measureGrowth(proxy: Worker, client: Worker, port: number): Promise<number> {
  const { connections } = settings;
  const ask = (requests: number): HttpLoad => ({
    ...{ port, paths: ["/"], headers: "", connections, milliseconds: Infinity, requests },
  });
  await client.call("run", ask(settings.warmRequests));
  const before = await proxy.call<Memory>("memory");
  await client.call("run", ask(settings.soakRequests));
  return rounded(((await proxy.call<Memory>("memory")).rss - before.rss) / MIB, 1);
}

/** The results of all measurements. */
interface Results {
  load: number;
  missing: readonly string[];
  versions: Record<string, string>;
  rates: Rates;
  bulkRates: Rates;
  idle: Idle;
  idleOfNode: Idle;
  rssGrowthMiB: number;
  rssGrowthOfNode: number;
}

function outcomeOf(results: Results): Outcome {
  const { rates, bulkRates, idle, idleOfNode, rssGrowthMiB, rssGrowthOfNode } = results;
  const { missing, load } = results;
  const ratio = (of: Rates, name: string) => medianRatio(of[name] ?? [], of.node ?? []);
  const row = (name: string) => [
    name,
    rounded(median(rates[name] ?? [])),
    ratio(rates, name),
    bulkRates[name] === undefined ? "" : rounded(median(bulkRates[name])),
    bulkRates[name] === undefined ? "" : ratio(bulkRates, name),
  ];
  const notes: Table = {
    title: "What this is",
    columns: ["note"],
    rows: [
      ["Each proxy has one thread; upstream, proxies and load generators are a process each."],
      [`${settings.connections} keep-alive connections with one outstanding request each.`],
      [`node is the smallest proxy on node:http: no checks, no limits, no receipts.`],
      [`Load of the machine in the minute before: ${load}.`],
    ],
  };
  const table: Table = {
    title: `Proxies, ${SMALL_BYTES} bytes a body, and 1 GiB`,
    columns: ["proxy", "requests a second", "of node", "MiB a second", "of node"],
    rows: [
      ...Object.keys(rates).map(row),
      ...missing.map((name) => [name, "not installed", "", "", ""]),
    ],
  };
  const memory: Table = {
    title: `Memory: an idle connection after one request, and ${settings.soakRequests.toLocaleString("en-US")} requests`,
    columns: ["proxy", "bytes of the process", "on the heap", "growth, MiB"],
    rows: [
      ["node", idleOfNode.rss, idleOfNode.heap, rssGrowthOfNode],
      ["gateway", idle.rss, idle.heap, rssGrowthMiB],
    ],
  };
  return {
    results: { ...results, settings },
    tables: [notes, table, memory],
    targets: [
      atLeast("gatewayVsNode", ratio(rates, "gateway"), "of node", 0.85),
      atLeast("receiptVsNode", ratio(rates, "receipt"), "of node", 0.5),
      atLeast("bulkVsNode", ratio(bulkRates, "gateway"), "of node", 0.9),
      atMost("idleConnectionBytes", idle.rss, "bytes", 10 * KIB),
      atMost("rssGrowthMiB", rssGrowthMiB, "MiB", 40),
    ],
  };
}
