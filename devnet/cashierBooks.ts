import { erc20Abi, parseEventLogs, type Address, type Hex } from "viem";
import type { ChainClient } from "../src/chain/client.ts";
import type { Deployment } from "../src/chain/deployment.ts";
import { cashierAbi } from "../src/protocol/abi/cashier.ts";

/** A tab by its events, BLOC in wei. */
export interface CountedTab {
  payer: Address;
  service: Hex;
  tab: Hex;
  limit: bigint;
  redeemed: bigint;
  /** Went to the service: less than `redeemed` if amounts of epochs were passed over. */
  paid: bigint;
  isClosed: boolean;
}

/** A service by the Cashier's events, BLOC in wei. */
export interface CountedService {
  earned: bigint;
  collected: bigint;
}

/** A payer by the Cashier's events, BLOC in wei. */
export interface CountedPayer {
  deposited: bigint;
  withdrawn: bigint;
  paid: bigint;
  free: bigint;
}

/**
 * The Cashier's books, counted from its events alone: a second way, which shares no code with that of the commands.
 * BLOC in wei.
 */
export interface CashierBooks {
  block: bigint;
  payers: ReadonlyMap<Address, CountedPayer>;
  tabs: readonly CountedTab[];
  services: ReadonlyMap<Hex, CountedService>;
  redemptions: number;
  collections: number;
  /** Paid to payout addresses. */
  paidOut: bigint;
  /** Taken in all, and what was not forwarded of it. */
  feesTaken: bigint;
  fees: bigint;
  burned: bigint;
  /** To the auditors' budgets. */
  contributed: bigint;
}

/** Counts all events of the Cashier up to a block. */
export async function countBooks(
  client: ChainClient,
  deployment: Deployment,
  block: bigint,
): Promise<CashierBooks> {
  const logs = await client.getLogs({
    address: deployment.contracts.cashier,
    fromBlock: BigInt(deployment.block),
    toBlock: block,
  });
  const payers = new Map<Address, CountedPayer>();
  const tabs = new Map<string, CountedTab>();
  const services = new Map<Hex, CountedService>();
  const sums = { redemptions: 0, collections: 0, paidOut: 0n, feesTaken: 0n, fees: 0n };
  let [burned, contributed] = [0n, 0n];
  const payer = (address: Address) =>
    entry(payers, address, { deposited: 0n, withdrawn: 0n, paid: 0n, free: 0n });
  const service = (id: Hex) => entry(services, id, { earned: 0n, collected: 0n });
  const tab = (name: { payer: Address; service: Hex; tab: Hex }) => {
    const { payer: owner, service: of, tab: id } = name;
    const none = { limit: 0n, redeemed: 0n, paid: 0n, isClosed: false };
    return entry(tabs, `${owner} ${of} ${id}`, { payer: owner, service: of, tab: id, ...none });
  };
  for (const { eventName, args } of parseEventLogs({ abi: cashierAbi, logs, strict: true })) {
    switch (eventName) {
      case "Deposited":
        payer(args.payer).deposited += args.amount;
        payer(args.payer).free += args.amount;
        break;
      case "Withdrawn":
        payer(args.payer).withdrawn += args.amount;
        payer(args.payer).free -= args.amount;
        break;
      case "TabOpened":
      case "TabRaised":
        payer(args.payer).free -= args.limit - tab(args).limit;
        tab(args).limit = args.limit;
        break;
      case "Redeemed":
        tab(args).redeemed = args.cumulative;
        tab(args).paid += args.amount;
        payer(args.payer).paid += args.amount;
        service(args.service).earned += args.amount;
        sums.redemptions += 1;
        break;
      case "TabClosed":
        payer(args.payer).free += args.returned;
        tab(args).isClosed = true;
        break;
      case "Collected":
        service(args.service).earned -= args.paid + args.fee;
        service(args.service).collected += args.paid + args.fee;
        sums.paidOut += args.paid;
        sums.feesTaken += args.fee;
        sums.fees += args.fee;
        sums.collections += 1;
        break;
      case "FeesForwarded":
        sums.fees -= args.burned + args.contributed;
        burned += args.burned;
        contributed += args.contributed;
        break;
    }
  }
  return { block, payers, tabs: [...tabs.values()], services, ...sums, burned, contributed };
}

function entry<K, V>(map: Map<K, V>, key: K, none: V): V {
  const value = map.get(key) ?? none;
  map.set(key, value);
  return value;
}

/** A figure of which the chain says something else than its events. */
export interface BookDifference {
  what: string;
  counted: bigint;
  found: bigint;
}

/** Compares counted books with the contract's views and its BLOC, to the last wei. */
export async function compareBooks(
  client: ChainClient,
  deployment: Deployment,
  books: CashierBooks,
): Promise<{ compared: number; differences: BookDifference[] }> {
  const { cashier: address, token } = deployment.contracts;
  const at = { address, abi: cashierAbi, blockNumber: books.block } as const;
  const differences: BookDifference[] = [];
  let compared = 0;
  const same = (what: string, counted: bigint, found: bigint) => {
    compared += 1;
    if (counted !== found) differences.push({ what, counted, found });
  };
  let [escrow, inTabs] = [0n, 0n];
  for (const [payer, counted] of books.payers) {
    const own = books.tabs.filter((tab) => tab.payer === payer && !tab.isClosed);
    const reserved = own.reduce((sum, { limit }) => sum + limit, 0n);
    const args = [payer] as const;
    const found = await client.readContract({ ...at, functionName: "accountOf", args });
    same(`balance of ${payer}`, counted.free + reserved, found[0]);
    same(`reserved of ${payer}`, reserved, found[1]);
    same(`free of ${payer}`, counted.free, found[2]);
    const rest = own.reduce((sum, { limit, paid }) => sum + limit - paid, 0n);
    same(
      `all of ${payer}`,
      counted.deposited - counted.withdrawn - counted.paid,
      counted.free + rest,
    );
    escrow += counted.free;
    inTabs += rest;
  }
  for (const { payer, service, tab, ...counted } of books.tabs) {
    const args = [payer, service, tab] as const;
    const found = await client.readContract({ ...at, functionName: "tabOf", args });
    same(`redeemed of ${tab}`, counted.redeemed, found.redeemed);
    if (counted.isClosed) continue;
    same(`limit of ${tab}`, counted.limit, found.limit);
    same(`paid of ${tab}`, counted.paid, found.redeemed - found.passed);
  }
  let earned = 0n;
  for (const [service, counted] of books.services) {
    const args = [service] as const;
    const found = await client.readContract({ ...at, functionName: "earnedOf", args });
    same(`earned of ${service}`, counted.earned, found);
    const collected = await client.readContract({ ...at, functionName: "collectedOf", args });
    same(`collected of ${service}`, counted.collected, collected);
    earned += counted.earned;
  }
  same("fees", books.fees, await client.readContract({ ...at, functionName: "fees" }));
  const bloc = await client.readContract({
    ...{ address: token, abi: erc20Abi, functionName: "balanceOf", args: [address] },
    blockNumber: books.block,
  });
  same("BLOC of the Cashier", escrow + inTabs + earned + books.fees, bloc);
  return { compared, differences };
}
