import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { seeded } from "../coral-scale/random.ts";
import { median, quantiles, rounded, roundedQuantiles, type Quantiles } from "../quantiles.ts";
import { dnsLatencies, dnsRate } from "./dnsLoad.ts";
import { answers, startDnsPeer, versionOf, type DnsPeer } from "./dnsPeers.ts";
import { alternately, medianRatio } from "../rounds.ts";
import { nameOf, SEED } from "./services.ts";

export interface DnsSettings {
  /** Number of queried names. */
  services: number;
  rounds: number;
  seconds: number;
  clients: number;
  /** The rate at which latencies are measured. */
  quietPerSecond: number;
}

/** One server under load. */
export interface DnsServer {
  name: string;
  about: string;
  perSecond: number;
  /** Latency of its answers at the quiet rate, milliseconds. */
  latencyMs: Quantiles;
}

export interface DnsResult {
  settings: DnsSettings;
  /** The reason if there was no measurement. */
  skipped: string | undefined;
  servers: DnsServer[];
  missing: string[];
  /** Ratio of our front's answers a second to the other's, median of the rounds. */
  ours: Record<string, number>;
  /** Ratio of each server's answers a second to dnsmasq's; empty without dnsmasq. */
  ofDnsmasq: Record<string, number>;
}

interface Server {
  name: string;
  about: string;
  port: number;
}

/** Questions of the load, drawn by the seed. */
const QUESTIONS = 100_000;

/**
 * Measures our DNS front and others with the same dnsperf, one after another, each in its own process.
 *
 * @param own Our front, then others of Node: a plain server as the upper bound, and several processes at one port.
 */
export async function measureDns(
  own: readonly Server[],
  settings: DnsSettings,
  say: (message: string) => void,
): Promise<DnsResult> {
  const { services, rounds } = settings;
  const nothing = { settings, servers: [], missing: [], ours: {}, ofDnsmasq: {} };
  if (versionOf("dnsperf", "-h") === undefined) {
    return { ...nothing, skipped: "dnsperf is not installed" };
  }
  const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-bench-"));
  const peers: DnsPeer[] = [];
  const missing: string[] = [];
  try {
    for (const name of ["unbound before the front", "unbound", "dnsmasq"]) {
      const peer = await startDnsPeer(name, services, own[0]?.port);
      if (peer) peers.push(peer);
      else missing.push(name);
    }
    const servers = [
      ...own,
      ...peers.map(({ name, version, port }) => ({ name, about: version, port })),
    ];
    const questions = path.join(folder, "questions");
    const random = seeded(`${SEED} questions`);
    const names = Array.from(
      { length: QUESTIONS },
      () => `${nameOf(1 + random.below(services))} A`,
    );
    writeFileSync(questions, `${names.join("\n")}\n`);
    for (const { port } of servers) await answers(port, nameOf(1));

    const load = { questions, ...settings };
    say(`DNS: ${servers.map(({ name }) => name).join(", ")}; ${rounds} rounds`);
    // The first round is not counted, because caches fill.
    for (const { port } of servers) await dnsRate({ ...load, port });
    const rates = await alternately(
      rounds,
      Object.fromEntries(servers.map(({ name, port }) => [name, () => dnsRate({ ...load, port })])),
    );
    const measured: DnsServer[] = [];
    for (const { name, about, port } of servers) {
      const latencies = await dnsLatencies({ ...load, port }, settings.quietPerSecond);
      const perSecond = rounded(median(rates[name] ?? []));
      measured.push({
        name,
        about,
        perSecond,
        latencyMs: roundedQuantiles(quantiles(latencies), 3),
      });
    }
    const [first = { name: "" }] = own;
    const ours = Object.fromEntries(
      servers
        .filter(({ name }) => name !== first.name)
        .map(({ name }) => [name, medianRatio(rates[first.name] ?? [], rates[name] ?? [])]),
    );
    const { dnsmasq } = rates;
    const ofDnsmasq = Object.fromEntries(
      dnsmasq === undefined
        ? []
        : servers.map(({ name }) => [name, medianRatio(rates[name] ?? [], dnsmasq)]),
    );
    return { settings, skipped: undefined, servers: measured, missing, ours, ofDnsmasq };
  } finally {
    for (const peer of peers) await peer.stop();
    rmSync(folder, { recursive: true });
  }
}
