import { median, quantiles, rounded, roundedQuantiles, type Quantiles } from "../quantiles.ts";
import type { Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";
import { alternately, medianRatio } from "../rounds.ts";
import type { Connects } from "./connects.ts";

export interface LatencySettings {
  rounds: number;
  milliseconds: number;
  concurrency: number;
  firstFlows: number;
  /** In each round. */
  furtherFlows: number;
}

/** Milliseconds of the SAL and of bare TLS. */
interface Pair {
  sal: Quantiles;
  tls: Quantiles;
}

export interface Latency {
  settings: LatencySettings;
  handshakesPerSecond: { sal: number; tls: number; salVsTls: number };
  /** Connecting and one byte there and back. */
  first: Pair;
  /** Opening a further flow; of TLS one byte there and back over an open connection. */
  further: Pair;
  /** The same while a transfer fills the session. */
  loaded: Pair;
}

/** Handshakes and openings of flows, beside bare TLS in the same rounds. */
export async function measureLatency(
  settings: LatencySettings,
  say: (message: string) => void,
): Promise<Latency> {
  const servers = new Worker("../sal/servers.ts");
  const clients = new Worker("../sal/clients.ts");
  try {
    const ports = {
      sal: await servers.call<number>("sal"),
      tls: await servers.call<number>("tls", "echo"),
    };
    const { milliseconds, concurrency } = settings;
    say("handshakes");
    const handshake = (kind: "sal" | "tls") => () => {
      const asked: Connects = { kind, port: ports[kind], milliseconds, concurrency };
      return clients.call<number>("handshakes", asked);
    };
    const measures = { sal: handshake("sal"), tls: handshake("tls") };
    await alternately(1, measures);
    const rates = await alternately(settings.rounds, measures);
    say("first and further flows");
    const times: Record<"first" | "further" | "loaded", Record<"sal" | "tls", number[]>> = {
      first: { sal: [], tls: [] },
      further: { sal: [], tls: [] },
      loaded: { sal: [], tls: [] },
    };
    for (let round = 0; round < settings.rounds; round += 1) {
      for (const kind of ["sal", "tls"] as const) {
        const asked = { kind, port: ports[kind], times: settings.firstFlows };
        times.first[kind].push(...(await clients.call<number[]>("firstBytes", asked)));
      }
      for (const state of ["further", "loaded"] as const) {
        const asked = { ...ports, times: settings.furtherFlows, isLoaded: state === "loaded" };
        const { sal, tls } = await clients.call<typeof times.further>("furtherFlows", asked);
        times[state].sal.push(...sal);
        times[state].tls.push(...tls);
      }
    }
    const pair = ({ sal, tls }: typeof times.first): Pair => ({
      sal: roundedQuantiles(quantiles(sal), 2),
      tls: roundedQuantiles(quantiles(tls), 2),
    });
    return {
      settings,
      handshakesPerSecond: {
        sal: rounded(median(rates.sal)),
        tls: rounded(median(rates.tls)),
        salVsTls: medianRatio(rates.sal, rates.tls),
      },
      first: pair(times.first),
      further: pair(times.further),
      loaded: pair(times.loaded),
    };
  } finally {
    await Promise.all([servers, clients].map((each) => each.stop()));
  }
}

export function latencyTables(latency: Latency): Table[] {
  const { handshakesPerSecond, settings } = latency;
  const row = (what: string, { p50, p99, max }: Quantiles) => [what, p50, p99, max];
  return [
    {
      title: `Handshakes, ${settings.concurrency} at a time`,
      columns: ["what", "a second", "of TLS"],
      rows: [
        [
          "SAL: TLS, and a signed receipt that is checked",
          handshakesPerSecond.sal,
          handshakesPerSecond.salVsTls,
        ],
        ["bare TLS 1.3", handshakesPerSecond.tls, 1],
      ],
    },
    {
      title: "Latency, milliseconds",
      columns: ["what", "p50", "p99", "most"],
      rows: [
        row("first flow: TCP, TLS, HELLO, OPEN, and one byte there and back", latency.first.sal),
        row("bare TLS: connecting, and one byte there and back", latency.first.tls),
        row("further flow of an idle session, until it is open", latency.further.sal),
        row("one byte over an open TLS connection, in turn with them", latency.further.tls),
        row("further flow of a session under full load", latency.loaded.sal),
        row("one byte over another TLS connection at that time", latency.loaded.tls),
      ],
    },
  ];
}
