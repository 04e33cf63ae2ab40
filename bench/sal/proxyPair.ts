import { median, rounded } from "../quantiles.ts";
import type { Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";
import { alternately, medianRatio } from "../rounds.ts";
import type { Download, Downloaded } from "./clients.ts";

export interface PairSettings {
  rounds: number;
  bytes: number;
  flows: readonly number[];
}

export interface PairResult {
  settings: PairSettings;
  rates: readonly { flows: number; sal: number; node: number; salVsNode: number }[];
  bytesWrong: number;
}

/** The local proxy and a provider, against two plain Node processes with TLS between them; a process each. */
export async function measurePair(
  settings: PairSettings,
  say: (message: string) => void,
): Promise<PairResult> {
  const upstream = new Worker("../sal/servers.ts");
  const clients = new Worker("../sal/clients.ts");
  const halves = Array.from({ length: 4 }, () => new Worker("../sal/pairs.ts"));
  const [provider, proxy, tlsOut, tlsIn] = halves;
  let bytesWrong = 0;
  try {
    const to = await upstream.call<number>("tcp", "feed");
    const salPort = await provider?.call<number>("salProvider", to);
    const tlsPort = await tlsOut?.call<number>("tlsOut", to);
    const at = {
      sal: { kind: "connect", at: String(await proxy?.call<number>("salProxy", salPort)) },
      node: { kind: "tcp", at: String(await tlsIn?.call<number>("tlsIn", tlsPort)) },
    };
    const rates = [];
    for (const flows of settings.flows) {
      say(`proxy and provider, ${flows} flows`);
      const download = (way: "sal" | "node") => async () => {
        const asked: Download = { ...at[way], flows, bytes: settings.bytes };
        const { mibPerSecond, wrong } = await clients.call<Downloaded>("download", asked);
        bytesWrong += wrong;
        return mibPerSecond;
      };
      const measures = { sal: download("sal"), node: download("node") };
      await alternately(1, measures);
      const { sal, node } = await alternately(settings.rounds, measures);
      rates.push({
        flows,
        sal: rounded(median(sal)),
        node: rounded(median(node)),
        salVsNode: medianRatio(sal, node),
      });
    }
    return { settings, rates, bytesWrong };
  } finally {
    await Promise.all([upstream, clients, ...halves].map((each) => each.stop()));
  }
}

export function pairTable({ rates, settings }: PairResult): Table {
  return {
    title: `TCP, proxy, SAL, provider, TCP; ${settings.bytes / 2 ** 20} MiB`,
    columns: ["flows", "MiB/s", "plain Node with TLS between", "of it"],
    rows: rates.map(({ flows, sal, node, salVsNode }) => [flows, sal, node, salVsNode]),
  };
}
