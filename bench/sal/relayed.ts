import { setTimeout as pause } from "node:timers/promises";
import {
  median,
  quantile,
  quantiles,
  rounded,
  roundedQuantiles,
  type Quantiles,
} from "../quantiles.ts";
import type { Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";
import { alternately, medianRatio } from "../rounds.ts";
import type { Download, Downloaded } from "./clients.ts";
import { startForwarder, type Forwarder } from "./forwarders.ts";
import type { Hold } from "./holds.ts";
import type { Memory } from "./memory.ts";

export interface RelayedSettings {
  rounds: number;
  /** Of each transfer. */
  bytes: number;
  /** First bytes of each way, one after the other. */
  firstBytes: number;
  /** Relays that are killed, and that are stopped for a time without a word. */
  killed: number;
  frozen: number;
  /** Idle pairs whose memory is measured, after as many that warm up. */
  pairs: number;
  warmPairs: number;
}

/** A way to the same provider. */
interface Way {
  name: string;
  mibPerSecond: number;
  vsDirect: number;
  /** Of the process that passes on, milliseconds a GiB; undefined if it is none of ours. */
  relayCpu: number | undefined;
}

export interface Relayed {
  settings: RelayedSettings;
  ways: readonly Way[];
  missing: Record<string, string>;
  versions: Record<string, string>;
  /** Connecting and one byte there and back, by way, milliseconds. */
  first: Readonly<Record<string, Quantiles>>;
  /** By way of loss, milliseconds. */
  gaps: { killed: Quantiles; frozen: Quantiles };
  /** All of them, 99th percentile. */
  gapP99Ms: number;
  /** Resident bytes of the relay for an idle pair. */
  pairBytes: number;
  bytesWrong: number;
}

/** Pause before each connection, milliseconds. */
const SETTLE_MS = 2;
/** Parts in which the idle pairs are added. */
const MEMORY_PARTS = 5;
const PEERS = ["haproxy", "ssh -R"] as const;

/** Flows through a relay beside direct ones, and through others' relays, to the same provider and in turn. */
export async function measureRelayed(
  settings: RelayedSettings,
  say: (message: string) => void,
): Promise<Relayed> {
  const provider = new Worker("../sal/relayedProvider.ts");
  const relay = new Worker("../sal/relayProcess.ts", ["--expose-gc"]);
  const clients = new Worker("../sal/clients.ts");
  const forwarders: Forwarder[] = [];
  const missing: Record<string, string> = {};
  try {
    const direct = await provider.call<number>("start");
    const relayed = await relay.call<number>("start", 0);
    await provider.call("reserve", [relayed]);
    const ports: Record<string, number> = { direct, relayed };
    for (const name of PEERS) {
      const forwarder = await startForwarder(name, direct);
      if ("missing" in forwarder) missing[name] = forwarder.missing;
      else {
        forwarders.push(forwarder);
        ports[name] = forwarder.port;
      }
    }
    say(`one flow: ${Object.keys(ports).join(", ")}`);
    const { ways, bytesWrong } = await throughput(settings, { ports, clients, relay });
    say("first bytes");
    const first = await firstBytes(settings, { ports, clients, relay });
    say(`memory of ${settings.pairs} idle pairs`);
    const pairBytes = await memoryOf(settings, relayed, { clients, relay });
    const losses = await measureLosses(settings, say);
    const { killed, frozen } = losses;
    return {
      ...{ settings, ways, missing, first, pairBytes },
      versions: Object.fromEntries(forwarders.map(({ name, version }) => [name, version])),
      gaps: {
        killed: roundedQuantiles(quantiles(killed), 1),
        frozen: roundedQuantiles(quantiles(frozen), 1),
      },
      gapP99Ms: rounded(quantile([...killed, ...frozen], 0.99), 1),
      bytesWrong: bytesWrong + losses.bytesWrong,
    };
  } finally {
    await Promise.all([provider, relay, clients, ...forwarders].map((each) => each.stop()));
  }
}

async function throughput(
  { rounds, bytes }: RelayedSettings,
  { ports, clients, relay }: { ports: Record<string, number>; clients: Worker; relay: Worker },
): Promise<{ ways: Way[]; bytesWrong: number }> {
  let bytesWrong = 0;
  const spent: number[] = [];
  const measures = Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [
      name,
      async () => {
        const asked: Download = { kind: "sal", at: String(port), flows: 1, bytes };
        const before = await relay.call<number>("cpu");
        const { mibPerSecond, wrong } = await clients.call<Downloaded>("download", asked);
        const after = await relay.call<number>("cpu");
        if (name === "relayed") spent.push((after - before) / 1000 / (bytes / 2 ** 30));
        bytesWrong += wrong;
        return mibPerSecond;
      },
    ]),
  );
  // Once without counting: code and connections warm up.
  await alternately(1, measures);
  spent.length = 0;
  const rates = await alternately(rounds, measures);
  const ways = Object.entries(rates).map(([name, figures]) => ({
    name,
    mibPerSecond: rounded(median(figures)),
    vsDirect: medianRatio(figures, rates.direct ?? []),
    relayCpu: name === "relayed" ? rounded(median(spent)) : undefined,
  }));
  return { ways, bytesWrong };
}

async function firstBytes(
  { firstBytes: times }: RelayedSettings,
  { ports, clients, relay }: { ports: Record<string, number>; clients: Worker; relay: Worker },
): Promise<Relayed["first"]> {
  const ways = Object.entries(ports).map(([name, port]) => ({
    name,
    port,
    figures: [] as number[],
  }));
  // The first of each compile code. Each way is the first of a round in turn.
  for (let n = -10; n < times; n += 1) {
    for (const [index] of ways.entries()) {
      const way = ways[(Math.abs(n) + index) % ways.length];
      if (way === undefined) continue;
      // Each begins when the one before it was cleared away, and the relay has its spare connections again.
      do await pause(SETTLE_MS);
      while ((await relay.call<number>("spares")) < 2);
      const asked = { kind: "sal", port: way.port, times: 1 } as const;
      const [time = NaN] = await clients.call<number[]>("firstBytes", asked);
      if (n >= 0) way.figures.push(time);
    }
  }
  return Object.fromEntries(
    ways.map(({ name, figures }) => [name, roundedQuantiles(quantiles(figures), 2)]),
  );
}

async function memoryOf(
  { pairs, warmPairs }: RelayedSettings,
  port: number,
  { clients, relay }: { clients: Worker; relay: Worker },
): Promise<number> {
  const hold = (count: number) =>
    clients.call("hold", { kind: "sessions", port, count } satisfies Hold);
  await hold(warmPairs);
  // The heap grows by steps of some megabytes, which are of no pair: the median of several parts counts.
  const perPair: number[] = [];
  for (let part = 1; part <= MEMORY_PARTS; part += 1) {
    const before = await relay.call<Memory>("memory");
    await hold(warmPairs + (pairs * part) / MEMORY_PARTS);
    const after = await relay.call<Memory>("memory");
    perPair.push(((after.rss - before.rss) * MEMORY_PARTS) / pairs);
  }
  return rounded(median(perPair));
}

/** Loses the relay over which a transfer runs, again and again. */
async function measureLosses(
  settings: RelayedSettings,
  say: (message: string) => void,
): Promise<{ killed: number[]; frozen: number[]; bytesWrong: number }> {
  const provider = new Worker("../sal/relayedProvider.ts");
  const client = new Worker("../sal/relayLossClient.ts");
  const relays = new Map<number, Worker>();
  const start = async (at: number) => {
    const relay = new Worker("../sal/relayProcess.ts");
    const port = await relay.call<number>("start", at);
    relays.set(port, relay);
    return port;
  };
  try {
    const ports = [await start(0), await start(0)];
    await provider.call("reserve", ports);
    let used = await client.call<number>("begin", ports);
    const gaps = { killed: [] as number[], frozen: [] as number[] };
    const lost = async (kind: "killed" | "frozen") => {
      const { gapMs, port } = await client.call<{ gapMs: number; port: number }>("gap");
      gaps[kind].push(gapMs);
      used = port;
    };
    const bothReserved = async () => {
      while ((await provider.call<number>("reserved")) < 2) await pause(10);
      await pause(200 * (0.5 + Math.random()));
    };
    say(`${settings.killed} relays are killed`);
    for (let n = 0; n < settings.killed; n += 1) {
      await bothReserved();
      const port = used;
      await client.call("watch");
      await relays.get(port)?.stop();
      await lost("killed");
      await start(port);
    }
    say(`${settings.frozen} relays are stopped for a time`);
    for (let n = 0; n < settings.frozen; n += 1) {
      await bothReserved();
      await client.call("watch");
      await relays.get(used)?.whileStopped(() => lost("frozen"));
    }
    const bytesWrong = await client.call<number>("finish");
    return { ...gaps, bytesWrong };
  } finally {
    await Promise.all([provider, client, ...relays.values()].map((each) => each.stop()));
  }
}

/** What a relay adds to connecting and one byte there and back, 99th percentiles, milliseconds. */
export function relayExtraP99Ms({ first }: Relayed): number {
  const [relayed, direct] = [first.relayed?.p99 ?? NaN, first.direct?.p99 ?? NaN];
  return rounded(Math.max(0, relayed - direct), 2);
}

/** The relay's ratio to a direct flow. */
export function relayedVsDirect({ ways }: Relayed): number {
  return ways.find(({ name }) => name === "relayed")?.vsDirect ?? NaN;
}

const about: Record<string, string> = {
  direct: "one flow of the SAL, no relay",
  relayed: "the same through blockcloud relay run",
  haproxy: "the same through HAProxy in TCP mode, which dials the provider",
  "ssh -R": "the same through ssh -R, AES-GCM, in front of the provider",
};

export function relayedTables(result: Relayed): Table[] {
  const { settings, ways, missing, versions, first, gaps } = result;
  const row = (name: string, { p50, p99, max }: Quantiles) => [name, p50, p99, max];
  return [
    {
      title: `Through relays, ${settings.bytes / 2 ** 20} MiB, medians of ${settings.rounds} rounds`,
      columns: ["way", "about", "MiB/s", "of direct", "relay, CPU ms/GiB"],
      rows: [
        ...ways.map(({ name, mibPerSecond, vsDirect, relayCpu }) => [
          ...[name, [about[name] ?? "", versions[name] ?? ""].filter(Boolean).join("; ")],
          ...[mibPerSecond, vsDirect, relayCpu ?? ""],
        ]),
        ...Object.entries(missing).map(([name, why]) => [name, why, "", "", ""]),
      ],
    },
    {
      title: "Connecting, and a lost relay, ms",
      columns: ["what", "p50", "p99", "max"],
      rows: [
        ...Object.entries(first).map(([name, figures]) =>
          row(`connecting and one byte there and back, ${name}`, figures),
        ),
        row("gap when the relay's process is killed", gaps.killed),
        row("gap when the relay is stopped without a word", gaps.frozen),
      ],
    },
  ];
}
