/** What a transaction called and which events it had, decoded with the ABIs alone. */
import {
  AbiErrorSignatureNotFoundError,
  decodeErrorResult,
  decodeEventLog,
  decodeFunctionData,
  type Abi,
  type Address,
  type Hex,
} from "viem";
import { blocTokenAbi } from "../../../src/protocol/abi/blocToken.ts";
import { cashierAbi } from "../../../src/protocol/abi/cashier.ts";
import { challengeBookAbi } from "../../../src/protocol/abi/challengeBook.ts";
import { proofOfServiceAbi } from "../../../src/protocol/abi/proofOfService.ts";
import { rewardPoolAbi } from "../../../src/protocol/abi/rewardPool.ts";
import { serviceLabelsAbi } from "../../../src/protocol/abi/serviceLabels.ts";
import { serviceRegistryAbi } from "../../../src/protocol/abi/serviceRegistry.ts";
import { settlementAbi } from "../../../src/protocol/abi/settlement.ts";
import { stakingAbi } from "../../../src/protocol/abi/staking.ts";
import type { Event } from "./figures.ts";
import { nameOf, type Contracts, type RawTransaction } from "./record.ts";

export const abis = {
  token: blocTokenAbi,
  rewardPool: rewardPoolAbi,
  registry: serviceRegistryAbi,
  staking: stakingAbi,
  proofOfService: proofOfServiceAbi,
  settlement: settlementAbi,
  challengeBook: challengeBookAbi,
  labels: serviceLabelsAbi,
  cashier: cashierAbi,
} as const satisfies Record<keyof Contracts, Abi>;

/** A call of a contract of the deployment that did what it was to do. */
export interface Call {
  contract: keyof Contracts;
  from: Address;
  functionName: string;
  args: readonly unknown[];
}

/** The calls of a transaction, those in a batch one by one; none where it failed or went elsewhere. */
export function callsOf(
  { from, to, input, succeeded }: RawTransaction,
  contracts: Contracts,
  events: readonly Event[],
): Call[] {
  const contract = to === null ? undefined : nameOf(contracts, to);
  if (contract === undefined || !succeeded) return [];
  const call = decodeCall(contract, from, input);
  if (call.functionName !== "tryMulticall") return [call];
  const failed = events
    .filter((event) => event.contract === contract && event.eventName === "CallFailed")
    .map(({ args }) => Number(args.index));
  const [parts] = call.args as readonly [readonly Hex[]];
  return parts
    .filter((_, index) => !failed.includes(index))
    .map((part) => decodeCall(contract, from, part));
}

/** The events of a transaction that contracts of the deployment emitted, in order. */
export function eventsOf({ logs }: RawTransaction, contracts: Contracts): Event[] {
  return logs.flatMap(({ address, topics, data }) => {
    const contract = nameOf(contracts, address);
    if (contract === undefined) return [];
    const event = decodeEventLog({ abi: abis[contract], topics, data });
    const args = event.args as unknown as Event["args"];
    const { eventName } = event;
    return [{ contract, eventName, args: eventName === "RedemptionSkipped" ? named(args) : args }];
  });
}

/** An error as text: its name and its parameters. */
export function shownError({
  errorName,
  args,
}: {
  errorName: string;
  args?: readonly unknown[] | undefined;
}): string {
  return `${errorName}(${(args ?? []).map(String).join(", ")})`;
}

/** The same event with its reason as text; with the bytes where the Cashier has no such error. */
function named(args: Event["args"]): Event["args"] {
  const data = args.reason as Hex;
  try {
    return { ...args, reason: shownError(decodeErrorResult({ abi: cashierAbi, data })) };
  } catch (error) {
    if (error instanceof AbiErrorSignatureNotFoundError) return args;
    throw error;
  }
}

function decodeCall(contract: keyof Contracts, from: Address, data: Hex): Call {
  const abi: Abi = abis[contract];
  const { functionName, args = [] } = decodeFunctionData({ abi, data });
  return { contract, from, functionName, args };
}
