import type { Address, Hex } from "viem";
import { timestampOf } from "../blocks.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import type { BlockRange } from "../logs.ts";
import { readEach } from "../views/contracts.ts";
import { readCashierEvents, type CashierEvent } from "./events.ts";

/** What a payer paid to a service on one day, BLOC in wei. */
export interface PaidRow {
  /** UTC, `2027-01-31`: of the block in which a collector redeemed. */
  day: string;
  /** ID of a root service. */
  service: Hex;
  amount: bigint;
  redemptions: number;
}

/** A payer's account over a range of blocks, from events alone. BLOC in wei. */
export interface ChainStatement {
  deposited: bigint;
  withdrawn: bigint;
  paid: bigint;
  /** By day, then by service. */
  rows: PaidRow[];
}

/**
 * Adds up a payer's events of a range of blocks.
 *
 * @param options.gone Called if the endpoint has dropped the first blocks of the range.
 */
export async function readStatement(
  client: ChainClient,
  deployment: Deployment,
  { payer, blocks }: { payer: Address; blocks: BlockRange },
  options: { gone?: (oldest: bigint) => void; signal?: AbortSignal } = {},
): Promise<ChainStatement> {
  const events: CashierEvent[] = [];
  for await (const { value } of readCashierEvents(client, deployment, blocks, { payer }, options)) {
    events.push(...value);
  }
  const redeemed = events.flatMap((event) => (event.eventName === "Redeemed" ? [event] : []));
  const numbers = [...new Set(redeemed.map(({ blockNumber }) => blockNumber))];
  const days = new Map(
    await readEach(numbers, async (block) => {
      options.signal?.throwIfAborted();
      return [block, dayOf(await timestampOf(client, block))] as const;
    }),
  );
  const rows = new Map<string, PaidRow>();
  for (const { args, blockNumber } of redeemed) {
    const { service, amount } = args;
    const day = days.get(blockNumber) ?? "";
    const row = rows.get(`${day} ${service}`) ?? { day, service, amount: 0n, redemptions: 0 };
    row.amount += amount;
    row.redemptions += 1;
    rows.set(`${day} ${service}`, row);
  }
  const sum = (name: "Deposited" | "Withdrawn" | "Redeemed") =>
    events.reduce((total, { eventName, args }) => {
      return eventName === name && "amount" in args ? total + args.amount : total;
    }, 0n);
  return {
    deposited: sum("Deposited"),
    withdrawn: sum("Withdrawn"),
    paid: sum("Redeemed"),
    rows: [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
  };
}

/** The UTC day of a moment. */
export function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
