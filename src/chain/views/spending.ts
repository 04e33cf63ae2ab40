import {
  isAddressEqual,
  parseEventLogs,
  TransactionReceiptNotFoundError,
  type Address,
  type Hex,
  type TransactionReceipt,
} from "viem";
import { proofOfServiceAbi } from "../../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { epochAt } from "../../protocol/epoch.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { readRanges, type BlockRange } from "../logs.ts";
import { contractsOf, readEach } from "./contracts.ts";

/** An operator's costs for transactions. */
export interface Spending {
  transactions: number;
  gasUsed: bigint;
  /** Fees, ether in wei. */
  wei: bigint;
  /** Fees by the epoch in which they were paid. */
  weiByEpoch: ReadonlyMap<number, bigint>;
  /** Number of seeds that the operator proved first; each pays it a bounty. */
  ticks: number;
}

/**
 * Sums the receipts of an operator's transactions with events of its auditor, and of its ticks. Failed transactions
 * and second ticks have no event and are not counted.
 */
export async function readSpending(
  client: ChainClient,
  deployment: Deployment,
  input: { operator: Address; transactions: ReadonlyMap<Hex, bigint>; blocks: BlockRange },
): Promise<Spending> {
  const { operator, blocks } = input;
  const hashes = new Map(input.transactions);
  const read = ({ from, to }: BlockRange) =>
    client.getContractEvents({
      ...contractsOf(deployment).proofOfService,
      eventName: "Ticked",
      fromBlock: from,
      toBlock: to,
      strict: true,
    });
  for await (const { value } of readRanges(blocks, read)) {
    for (const { transactionHash, blockNumber } of value) hashes.set(transactionHash, blockNumber);
  }
  const receipts = await readEach([...hashes.keys()], (hash) => readReceipt(client, hash));
  const own = receipts.filter(({ from }) => isAddressEqual(from, operator));
  const times = await readEach([...new Set(own.map(({ blockNumber }) => blockNumber))], (number) =>
    client.getBlock({ blockNumber: number }),
  );
  const epochs = new Map(
    times.map(({ number, timestamp }) => [number, epochAt(deployment, Number(timestamp))]),
  );
  const weiByEpoch = new Map<number, bigint>();
  let [gasUsed, wei, ticks] = [0n, 0n, 0];
  for (const receipt of own) {
    const fee = receipt.gasUsed * receipt.effectiveGasPrice;
    const epoch = epochs.get(receipt.blockNumber) ?? 0;
    weiByEpoch.set(epoch, (weiByEpoch.get(epoch) ?? 0n) + fee);
    gasUsed += receipt.gasUsed;
    wei += fee;
    const { logs } = receipt;
    ticks += parseEventLogs({ abi: proofOfServiceAbi, eventName: "Ticked", logs }).length;
  }
  return { transactions: own.length, gasUsed, wei, weiByEpoch, ticks };
}

/** @throws BlockcloudError `RECEIPT_MISSING` if the endpoint has dropped it. */
async function readReceipt(client: ChainClient, hash: Hex): Promise<TransactionReceipt> {
  try {
    return await client.getTransactionReceipt({ hash });
  } catch (cause) {
    if (!(cause instanceof TransactionReceiptNotFoundError)) throw cause;
    throw new BlockcloudError("RECEIPT_MISSING", `The RPC endpoint has no receipt of ${hash}.`, {
      cause,
      remedy: "Show fewer epochs, or use an endpoint that keeps old receipts.",
    });
  }
}
