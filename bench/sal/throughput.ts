import { median, rounded } from "../quantiles.ts";
import type { Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";
import { alternately, medianRatio } from "../rounds.ts";
import type { Download, Downloaded } from "./clients.ts";
import { forwarderNames, startForwarder, type Forwarder } from "./forwarders.ts";

export interface ThroughputSettings {
  rounds: number;
  /** Of each transfer, over all flows. */
  bytes: number;
  /** Numbers of flows that are compared. */
  flows: readonly number[];
}

/** Rates of one way. */
interface Way {
  name: string;
  /** Number of flows. */
  flows: number;
  mibPerSecond: number;
  /** Median of the rounds' ratios to bare TLS. */
  vsTls: number;
}

export interface Throughput {
  settings: ThroughputSettings;
  ways: readonly Way[];
  versions: Record<string, string>;
  /** Peers that are not compared, and why. */
  missing: Record<string, string>;
  bytesWrong: number;
}

/** Downloads from one process to another over the SAL and its peers, in turn. */
export async function measureThroughput(
  settings: ThroughputSettings,
  say: (message: string) => void,
): Promise<Throughput> {
  const servers = new Worker("../sal/servers.ts");
  const clients = new Worker("../sal/clients.ts");
  const forwarders: Forwarder[] = [];
  const missing: Record<string, string> = {};
  let bytesWrong = 0;
  try {
    const tcp = await servers.call<number>("tcp", "feed");
    const targets: Record<string, { kind: string; at: string }> = {
      sal: { kind: "sal", at: String(await servers.call<number>("sal")) },
      tls: { kind: "tls", at: String(await servers.call<number>("tls", "feed")) },
      tcp: { kind: "tcp", at: String(tcp) },
      http2: { kind: "http2", at: String(await servers.call<number>("http2")) },
      libp2p: { kind: "libp2p", at: await servers.call<string>("libp2p") },
    };
    for (const name of forwarderNames) {
      const forwarder = await startForwarder(name, tcp);
      if ("missing" in forwarder) {
        missing[name] = forwarder.missing;
        say(`${name}: ${forwarder.missing}`);
        continue;
      }
      forwarders.push(forwarder);
      targets[name] = { kind: "tcp", at: String(forwarder.port) };
    }
    const ways: Way[] = [];
    for (const flows of settings.flows) {
      say(`${flows} flows over ${Object.keys(targets).join(", ")}`);
      const measures = Object.fromEntries(
        Object.entries(targets).map(([name, target]) => [
          name,
          async () => {
            const asked: Download = { ...target, flows, bytes: settings.bytes };
            const { mibPerSecond, wrong } = await clients.call<Downloaded>("download", asked);
            bytesWrong += wrong;
            return mibPerSecond;
          },
        ]),
      );
      // Once without counting: code and connections warm up.
      await alternately(1, measures);
      const rates = await alternately(settings.rounds, measures);
      for (const [name, figures] of Object.entries(rates)) {
        const vsTls = medianRatio(figures, rates.tls ?? []);
        ways.push({ name, flows, mibPerSecond: rounded(median(figures)), vsTls });
      }
    }
    const versions = Object.fromEntries(forwarders.map(({ name, version }) => [name, version]));
    return { settings, ways, versions, missing, bytesWrong };
  } finally {
    await Promise.all([servers, clients, ...forwarders].map((each) => each.stop()));
  }
}

const about: Record<string, string> = {
  sal: "ours: flows of one session",
  tls: "node:tls, a connection for each flow",
  tcp: "node:net, no encryption",
  http2: "node:http2 over TLS, streams of one connection, windows of 16 MiB",
  libp2p: "TCP, Noise and Yamux, streams of one connection, windows of 16 MiB",
  ssh: "ssh -L in front of node:net, AES-GCM",
  socat: "in front of node:net, no encryption",
  haproxy: "TCP mode in front of node:net, no encryption",
};

export function throughputTable({ settings, ways, missing, versions }: Throughput): Table {
  const names = [...new Set(ways.map(({ name }) => name))];
  return {
    title: `Throughput, ${settings.bytes / 2 ** 20} MiB in writes of 64 KiB from one process to another`,
    columns: [
      ...["way", "about"],
      ...settings.flows.flatMap((flows) => [`MiB/s, ${flows} flows`, "of TLS"]),
    ],
    rows: [
      ...names.map((name) => [
        name,
        [about[name] ?? "", versions[name] ?? ""].filter(Boolean).join("; "),
        ...settings.flows.flatMap((flows) => {
          const way = ways.find((each) => each.name === name && each.flows === flows);
          return [way?.mibPerSecond ?? "", way?.vsTls ?? ""];
        }),
      ]),
      ...Object.entries(missing).map(([name, why]) => [
        ...[name, why, ...settings.flows.flatMap(() => ["", ""])],
      ]),
    ],
  };
}
