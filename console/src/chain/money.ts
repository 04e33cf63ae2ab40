import { parseEventLogs, type Address, type Hex } from "viem";
import { BlockcloudError } from "@protocol/errors.ts";
import { parseServiceId } from "@protocol/serviceId.ts";
import type { Sources } from "../context.tsx";
import { day } from "../format.ts";
import type { Head } from "./head.ts";
import { readEvents } from "./logs.ts";
import { Memory } from "./memory.ts";

const names = [
  "Deposited",
  "Withdrawn",
  "TabOpened",
  "TabRaised",
  "TabClosing",
  "TabClosed",
  "Redeemed",
] as const;

/** An account now. BLOC in wei. */
export interface Balances {
  /** In the account's own hands. */
  wallet: bigint;
  /** At the Cashier: in total, in the limits of open tabs, and what can be withdrawn. */
  balance: bigint;
  reserved: bigint;
  free: bigint;
}

/** What a payer paid to a service on a day, BLOC in wei. */
export interface StatementRow {
  /** UTC. */
  day: string;
  service: bigint;
  paid: bigint;
  redemptions: number;
}

/** A tab of a payer. BLOC in wei, times in Unix seconds. */
export interface TabRow {
  service: bigint;
  tab: Hex;
  limit: bigint;
  redeemed: bigint;
  state: "open" | "closing" | "closed";
  endsAt: number;
  redeemableUntil: number;
}

/** A deposit or a withdrawal. */
export interface MoveRow {
  kind: "deposit" | "withdrawal";
  amount: bigint;
  time: number;
  transaction: Hex;
}

/** A payer's history. */
export interface Statement {
  rows: readonly StatementRow[];
  tabs: readonly TabRow[];
  moves: readonly MoveRow[];
  leftOut: string | undefined;
}

/** Reads the balances of an account. */
export async function readBalances(
  { client, contracts }: Sources,
  payer: Address,
): Promise<Balances> {
  const [wallet, [balance, reserved, free]] = await Promise.all([
    client.readContract({ ...contracts.token, functionName: "balanceOf", args: [payer] }),
    client.readContract({ ...contracts.cashier, functionName: "accountOf", args: [payer] }),
  ]);
  return { wallet, balance, reserved, free };
}

const times = new WeakMap<Sources, Memory<number>>();

/** Reads a payer's history from the chain alone. */
export async function readStatement(
  sources: Sources,
  head: Head,
  payer: Address,
  signal: AbortSignal,
): Promise<Statement> {
  const { client, contracts, config } = sources;
  const { abi, address } = contracts.cashier;
  const { events, from, isWhole } = await readEvents(
    { from: BigInt(config.deployment.block), to: head.number },
    async (piece) => {
      const logs = await Promise.all(
        names.map((eventName) =>
          client.getContractEvents({
            address,
            abi,
            eventName,
            args: { payer },
            fromBlock: piece.from,
            toBlock: piece.to,
          }),
        ),
      );
      return parseEventLogs({ abi, eventName: [...names], logs: logs.flat() }).sort((a, b) =>
        Number(a.blockNumber - b.blockNumber || BigInt(a.logIndex - b.logIndex)),
      );
    },
    signal,
  );
  const memory = times.get(sources) ?? new Memory<number>();
  times.set(sources, memory);
  const timeOf = (block: bigint) =>
    memory.get(block.toString(), async () =>
      Number((await client.getBlock({ blockNumber: block })).timestamp),
    );
  const rows = new Map<string, StatementRow>();
  const moves: MoveRow[] = [];
  const opened = new Map<Hex, { service: Hex; tab: Hex }>();
  const timed = await Promise.all(
    events.map(async (event) => ({ event, time: await timeOf(event.blockNumber) })),
  );
  for (const { event, time } of timed) {
    if (event.eventName === "Deposited" || event.eventName === "Withdrawn") {
      const kind = event.eventName === "Deposited" ? "deposit" : "withdrawal";
      moves.push({ kind, amount: event.args.amount, time, transaction: event.transactionHash });
      continue;
    }
    const { service, tab } = event.args;
    opened.set(`${service}${tab.slice(2)}`, { service, tab });
    if (event.eventName !== "Redeemed") continue;
    const key = `${day(time)} ${service}`;
    const row = rows.get(key) ?? {
      ...{ day: day(time), service: numberOf(service), paid: 0n, redemptions: 0 },
    };
    row.paid += event.args.amount;
    row.redemptions += 1;
    rows.set(key, row);
  }
  return {
    rows: [...rows.values()],
    tabs: await Promise.all([...opened.values()].map((tab) => readTab(sources, payer, tab))),
    moves,
    leftOut: isWhole ? undefined : `what happened before block ${from}, which needs the index`,
  };
}

async function readTab(
  { client, contracts }: Sources,
  payer: Address,
  { service, tab }: { service: Hex; tab: Hex },
): Promise<TabRow> {
  const { state, limit, redeemed, endsAt, redeemableUntil } = await client.readContract({
    ...contracts.cashier,
    functionName: "tabOf",
    args: [payer, service, tab],
  });
  return {
    service: numberOf(service),
    tab,
    limit,
    redeemed,
    state: (["closed", "open", "closing", "closed"] as const)[state] ?? "closed",
    endsAt,
    redeemableUntil,
  };
}

/** The number of a root service; 0 for an ID that is none. */
export function numberOf(service: Hex): bigint {
  try {
    return parseServiceId(service).prefix;
  } catch (error) {
    if (error instanceof BlockcloudError) return 0n;
    throw error;
  }
}
