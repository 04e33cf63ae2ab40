import { median, rounded } from "../quantiles.ts";
import type { Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";
import { alternately, medianRatio } from "../rounds.ts";
import type { PaidDownload, PaidDownloaded } from "./paidClient.ts";

const settings = { rounds: 15, bytes: 256 * 2 ** 20, fixedTrancheBytes: 2 ** 20 };
const kinds = ["unpaid", "paid", "fixed"] as const;
type Kind = (typeof kinds)[number];

/** What a way costs. */
interface Cost {
  kind: Kind;
  mibPerSecond: number;
  vsUnpaid: number;
  /** Vouchers of a transfer. */
  payments: number;
  /** Processor time of each side, all threads, milliseconds a GiB: it depends less on other load than the rate does. */
  server: number;
  client: number;
}

export interface PaidFlows {
  settings: typeof settings;
  costs: Cost[];
}

/**
 * One flow without a price, one that is paid in the design's tranches, and one in tranches of 1 MiB, in turn, in the
 * same two processes. Wallet and collector write to disk.
 */
export async function measurePaidFlows(say: (message: string) => void): Promise<PaidFlows> {
  const server = new Worker("../sal/paidServer.ts");
  const client = new Worker("../sal/paidClient.ts");
  const gib = settings.bytes / 2 ** 30;
  try {
    const ports: Record<Kind, number> = {
      unpaid: await server.call<number>("unpaid"),
      paid: await server.call<number>("paid"),
      fixed: await server.call<number>("paid", settings.fixedTrancheBytes),
    };
    const spent = emptyRounds();
    const download = (kind: Kind) => async () => {
      const cpu = () => Promise.all([server, client].map((side) => side.call<number>("cpu")));
      const [before = 0, clientBefore = 0] = await cpu();
      const { bytes } = settings;
      const asked: PaidDownload = { port: ports[kind], isPaid: kind !== "unpaid", bytes };
      const { mibPerSecond, wrong, payments } = await client.call<PaidDownloaded>(
        "download",
        asked,
      );
      if (wrong > 0) throw new Error(`${kind}: ${wrong} bytes are wrong or missing`);
      const [after = 0, clientAfter = 0] = await cpu();
      const [own, other] = [after - before, clientAfter - clientBefore];
      spent[kind].push({ server: own / 1000 / gib, client: other / 1000 / gib, payments });
      return mibPerSecond;
    };
    const measures = {
      unpaid: download("unpaid"),
      paid: download("paid"),
      fixed: download("fixed"),
    };
    say("one flow unpaid, paid, and paid in tranches of 1 MiB, in turn");
    // Without counting: code and connections warm up, and the tranche grows.
    await alternately(3, measures);
    Object.assign(spent, emptyRounds());
    const rates = await alternately(settings.rounds, measures);
    const costs = kinds.map((kind): Cost => {
      const middle = (part: keyof Round) =>
        rounded(median(spent[kind].map((round) => round[part])));
      return {
        kind,
        mibPerSecond: rounded(median(rates[kind])),
        vsUnpaid: medianRatio(rates[kind], rates.unpaid),
        payments: middle("payments"),
        server: middle("server"),
        client: middle("client"),
      };
    });
    return { settings, costs };
  } finally {
    await Promise.all([server, client].map((each) => each.stop()));
  }
}

interface Round {
  server: number;
  client: number;
  payments: number;
}

function emptyRounds(): Record<Kind, Round[]> {
  return { unpaid: [], paid: [], fixed: [] };
}

/** The rate of a paid flow beside that of an unpaid one. */
export function paidVsUnpaid({ costs }: PaidFlows): number {
  return costs.find(({ kind }) => kind === "paid")?.vsUnpaid ?? NaN;
}

export function paidFlowsTable({ costs }: PaidFlows): Table {
  return {
    title: `A flow of ${settings.bytes / 2 ** 20} MiB, medians of ${settings.rounds} rounds`,
    columns: [
      ...["way", "MiB/s", "of unpaid", "vouchers", "server, CPU ms/GiB", "client, CPU ms/GiB"],
    ],
    rows: costs.map(({ kind, mibPerSecond, vsUnpaid, payments, server, client }) => [
      ...[names[kind], mibPerSecond, vsUnpaid, payments, server, client],
    ]),
  };
}

const names: Record<Kind, string> = {
  unpaid: "unpaid",
  paid: "paid in tranches of 250 ms",
  fixed: "paid in tranches of 1 MiB",
};
