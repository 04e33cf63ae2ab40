import { median, rounded } from "../quantiles.ts";
import type { Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";
import { alternately, medianRatio } from "../rounds.ts";
import type { Requested, Requests } from "./requestClient.ts";

const settings = { rounds: 9, requests: 2_000, lanes: 16 };
const kinds = ["unpaid", "paid"] as const;
type Kind = (typeof kinds)[number];

/** What a small request costs, without a price and with one. */
export interface PaidRequests {
  settings: typeof settings;
  costs: {
    kind: Kind;
    perSecond: number;
    vsUnpaid: number;
    /** Vouchers of a round. */
    payments: number;
    /** Processor time of both sides, milliseconds a request. */
    cpuMs: number;
  }[];
}

/** Requests of 64 bytes over kept flows of one session, through a gateway, in turn, in the same two processes. */
export async function measurePaidRequests(say: (message: string) => void): Promise<PaidRequests> {
  const server = new Worker("../cashier/requestServer.ts");
  const client = new Worker("../cashier/requestClient.ts");
  try {
    const ports: Record<Kind, number> = {
      unpaid: await server.call<number>("unpaid"),
      paid: await server.call<number>("paid"),
    };
    const { requests, lanes } = settings;
    const spent: Record<Kind, { cpuMs: number; payments: number }[]> = { unpaid: [], paid: [] };
    const cpu = async () => {
      const both = await Promise.all([server, client].map((side) => side.call<number>("cpu")));
      return both.reduce((sum, each) => sum + each, 0);
    };
    const run = (kind: Kind) => async () => {
      const before = await cpu();
      const asked: Requests = { port: ports[kind], isPaid: kind === "paid", requests, lanes };
      const { perSecond, payments } = await client.call<Requested>("run", asked);
      spent[kind].push({ cpuMs: ((await cpu()) - before) / 1000 / requests, payments });
      return perSecond;
    };
    const measures = { unpaid: run("unpaid"), paid: run("paid") };
    say("small requests unpaid and paid, in turn");
    await alternately(2, measures);
    for (const kind of kinds) spent[kind] = [];
    const rates = await alternately(settings.rounds, measures);
    const costs = kinds.map((kind) => ({
      kind,
      perSecond: rounded(median(rates[kind])),
      vsUnpaid: medianRatio(rates[kind], rates.unpaid),
      payments: median(spent[kind].map(({ payments }) => payments)),
      cpuMs: rounded(median(spent[kind].map(({ cpuMs }) => cpuMs)), 3),
    }));
    return { settings, costs };
  } finally {
    await Promise.all([server, client].map((each) => each.stop()));
  }
}

export function paidRequestsTable({ costs }: PaidRequests): Table {
  return {
    title: `Requests of 64 bytes over flows, ${settings.lanes} at a time, medians of ${settings.rounds} rounds`,
    columns: ["way", "requests a second", "of unpaid", "vouchers", "CPU ms a request"],
    rows: costs.map(({ kind, perSecond, vsUnpaid, payments, cpuMs }) => [
      ...[kind, perSecond, vsUnpaid, payments, cpuMs],
    ]),
  };
}

/** Requests a second with a price, as a part of those without one. */
export function paidRequestsVsUnpaid({ costs }: PaidRequests): number {
  return costs.find(({ kind }) => kind === "paid")?.vsUnpaid ?? 0;
}
