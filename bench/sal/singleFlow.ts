import { median, rounded } from "../quantiles.ts";
import type { Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";
import { alternately, medianRatio } from "../rounds.ts";
import type { Download, Downloaded } from "./clients.ts";

const settings = { rounds: 15, bytes: 256 * 2 ** 20 };
const kinds = ["sal", "tls"] as const;

/** What a way costs. */
interface Cost {
  kind: string;
  mibPerSecond: number;
  vsTls: number;
  /** Processor time of each side, all threads, milliseconds a GiB: it depends less on other load than the rate does. */
  server: number;
  client: number;
}

export interface SingleFlow {
  settings: typeof settings;
  costs: Cost[];
}

/** One flow beside one connection of bare TLS, in turn, in the same two processes that do nothing else. */
export async function measureSingleFlow(say: (message: string) => void): Promise<SingleFlow> {
  const servers = new Worker("../sal/servers.ts");
  const clients = new Worker("../sal/clients.ts");
  const gib = settings.bytes / 2 ** 30;
  try {
    const at = {
      sal: String(await servers.call<number>("sal")),
      tls: String(await servers.call<number>("tls", "feed")),
    };
    const spent = { sal: [] as [number, number][], tls: [] as [number, number][] };
    const download = (kind: "sal" | "tls") => async () => {
      const cpu = () => Promise.all([servers, clients].map((side) => side.call<number>("cpu")));
      const [server = 0, client = 0] = await cpu();
      const asked: Download = { kind, at: at[kind], flows: 1, bytes: settings.bytes };
      const { mibPerSecond, wrong } = await clients.call<Downloaded>("download", asked);
      if (wrong > 0) throw new Error(`${kind}: ${wrong} bytes are wrong or missing`);
      const [serverAfter = 0, clientAfter = 0] = await cpu();
      spent[kind].push([(serverAfter - server) / 1000 / gib, (clientAfter - client) / 1000 / gib]);
      return mibPerSecond;
    };
    const measures = { sal: download("sal"), tls: download("tls") };
    say("one flow and one connection of bare TLS, in turn");
    // Without counting: code and connections warm up.
    await alternately(2, measures);
    spent.sal = [];
    spent.tls = [];
    const rates = await alternately(settings.rounds, measures);
    const costs = kinds.map((kind): Cost => {
      const vsTls = medianRatio(rates[kind], rates.tls);
      const [server, client] = [0, 1].map((side) =>
        rounded(median(spent[kind].map((round) => round[side] ?? NaN))),
      ) as [number, number];
      return { kind, mibPerSecond: rounded(median(rates[kind])), vsTls, server, client };
    });
    return { settings, costs };
  } finally {
    await Promise.all([servers, clients].map((each) => each.stop()));
  }
}

/** The SAL's ratio to bare TLS. */
export function singleFlowVsTls({ costs }: SingleFlow): number {
  return costs.find(({ kind }) => kind === "sal")?.vsTls ?? NaN;
}

export function singleFlowTable({ costs }: SingleFlow): Table {
  return {
    title: `One flow, ${settings.bytes / 2 ** 20} MiB, medians of ${settings.rounds} rounds`,
    columns: ["way", "MiB/s", "of TLS", "server, CPU ms/GiB", "client, CPU ms/GiB"],
    rows: costs.map(({ kind, mibPerSecond, vsTls, server, client }) => [
      ...[kind, mibPerSecond, vsTls, server, client],
    ]),
  };
}
