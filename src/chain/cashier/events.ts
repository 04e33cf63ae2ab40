import {
  formatLog,
  isAddressEqual,
  pad,
  parseEventLogs,
  toEventSelector,
  type Address,
  type ContractEventName,
  type Hex,
  type ParseEventLogsReturnType,
} from "viem";
import { cashierAbi } from "../../protocol/abi/cashier.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { readRanges, readServed, type BlockRange, type RangeOptions } from "../logs.ts";

type Name = ContractEventName<typeof cashierAbi>;

/** An event of the Cashier in its block. */
export type CashierEvent = ParseEventLogsReturnType<typeof cashierAbi, Name, true>[number] & {
  blockNumber: bigint;
  blockHash: Hex;
  transactionHash: Hex;
  logIndex: number;
};

/** Which events are read: all, those of a payer's account and tabs, or those about a service's pay. */
export type CashierFilter =
  | { payer?: never; service?: never }
  | { payer: Address; service?: never }
  | { payer?: never; service: Hex };

/** Their first indexed value is the payer. */
const payerEvents: readonly Name[] = [
  ...(["Deposited", "Withdrawn", "SignerAuthorized", "SignerRevoked"] as const),
  ...(["TabOpened", "TabRaised", "TabClosing", "TabClosed", "Redeemed"] as const),
];
/** Their second indexed value is the service. */
const tabEvents: readonly Name[] = [
  ...(["TabOpened", "TabRaised", "TabClosing", "TabClosed", "Redeemed"] as const),
];
const selectors = new Map<string, Hex>(
  cashierAbi.flatMap((item) => (item.type === "event" ? [[item.name, toEventSelector(item)]] : [])),
);

/**
 * Reads events of the Cashier in parts, each in order, so that a caller can stop, or store its progress and continue.
 *
 * @param options.gone Called once with the endpoint's oldest block, if it has dropped the first ones of the range;
 * without it, that is an error. Only forward.
 * @throws BlockcloudError `CASHIER_EVENTS_INVALID` if the endpoint answers with events that were not asked for.
 * @example
 * const range = { from: BigInt(deployment.block), to: head.number };
 * for await (const { value } of readCashierEvents(client, deployment, range, { payer }))
 *   for (const event of value) if (event.eventName === "Redeemed") paid += event.args.amount;
 */
export function readCashierEvents(
  client: ChainClient,
  deployment: Deployment,
  range: BlockRange,
  filter: CashierFilter = {},
  options: RangeOptions & { gone?: (oldest: bigint) => void } = {},
): AsyncGenerator<BlockRange & { value: CashierEvent[] }> {
  const { gone, ...bounds } = options;
  const { cashier } = deployment.contracts;
  const read = async (piece: BlockRange): Promise<CashierEvent[]> => {
    const parts = await Promise.all(
      topicsOf(filter).map((topics) => readPiece(client, cashier, topics, piece)),
    );
    return parts.flat().sort(inOrder);
  };
  return gone === undefined
    ? readRanges(range, read, bounds)
    : readServed(range, read, gone, bounds);
}

type Topics = readonly (readonly Hex[] | Hex | null)[];

/** Two requests for a service, whose ID is in two places. */
function topicsOf({ payer, service }: CashierFilter): Topics[] {
  if (payer !== undefined) return [[selectorsOf(payerEvents), pad(payer).toLowerCase() as Hex]];
  if (service === undefined) return [[[...selectors.values()]]];
  return [
    [selectorsOf(tabEvents), null, service],
    [selectorsOf(["Collected"]), service],
  ];
}

function selectorsOf(names: readonly Name[]): Hex[] {
  return names.map((name) => selectors.get(name) ?? "0x");
}

async function readPiece(
  client: ChainClient,
  address: Address,
  topics: Topics,
  { from, to }: BlockRange,
): Promise<CashierEvent[]> {
  const logs = await client.request({
    method: "eth_getLogs",
    params: [
      {
        address,
        topics: topics as Hex[],
        fromBlock: `0x${from.toString(16)}`,
        toBlock: `0x${to.toString(16)}`,
      },
    ],
  });
  const events = parseEventLogs({ abi: cashierAbi, logs: logs.map((log) => formatLog(log)) });
  const isAsked = (event: (typeof events)[number]): event is typeof event & CashierEvent =>
    isAddressEqual(event.address, address) &&
    event.blockNumber !== null &&
    event.blockNumber >= from &&
    event.blockNumber <= to &&
    event.transactionHash !== null &&
    topics.every((wanted, index) => matches(wanted, event.topics[index]));
  if (events.length !== logs.length || !events.every(isAsked)) {
    throw new BlockcloudError(
      "CASHIER_EVENTS_INVALID",
      `The RPC endpoint gave events of blocks ${from} to ${to} that were not asked for.`,
      { retryable: true, remedy: "Name another RPC endpoint." },
    );
  }
  return events;
}

function matches(wanted: readonly Hex[] | Hex | null, found: Hex | undefined): boolean {
  return wanted === null || [wanted].flat().includes((found?.toLowerCase() ?? "0x") as Hex);
}

function inOrder(a: CashierEvent, b: CashierEvent): number {
  return a.blockNumber === b.blockNumber
    ? a.logIndex - b.logIndex
    : Number(a.blockNumber - b.blockNumber);
}
