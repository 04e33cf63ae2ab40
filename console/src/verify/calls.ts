/** What transactions called, from their calldata. */
import { decodeFunctionData, type Abi, type Address, type Hex } from "viem";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { ChunkArgument, SampleArgument } from "../../../src/protocol/round.ts";
import type { Contracts } from "../chain/contracts.ts";
import { argsOf, isEvent } from "./events.ts";
import type { RawLog } from "./raw.ts";
import type { Source } from "./source.ts";

/** A call of `ProofOfService` that had an effect. */
export type RoundCall =
  | { name: "commit"; auditor: Address; epoch: number; commitment: Hex }
  | { name: "reveal"; chunk: ChunkArgument }
  | {
      name: "claim";
      chunk: ChunkArgument;
      sampleEpoch: number;
      samples: readonly SampleArgument[];
    };

/** A transaction with its calls and events, in order. */
export interface RoundTransaction {
  hash: Hex;
  block: bigint;
  calls: readonly RoundCall[];
  logs: readonly RawLog[];
}

/**
 * The calls of a transaction that one of its logs names, from its block's calldata. A call by way of another contract
 * leaves no calldata: then there are fewer calls than events.
 */
export async function readTransaction(
  source: Source,
  { proofOfService }: Contracts,
  { blockNumber: block, transactionHash: hash }: RawLog,
): Promise<RoundTransaction> {
  const [transactions, receipt] = await Promise.all([
    source.transactions(block),
    source.receipt(hash),
  ]);
  const transaction = transactions.find((each) => each.hash === hash);
  if (transaction === undefined || receipt.status !== 1) {
    const what = transaction === undefined ? "is not in its block" : "failed, and has events";
    throw new BlockcloudError("RPC_MALFORMED", `Transaction ${hash} ${what}.`, {
      remedy: "Use another RPC endpoint.",
    });
  }
  const { logs } = receipt;
  const isDirect = transaction.to === proofOfService.address.toLowerCase();
  const failed = logs
    .filter((log) => isEvent(log, proofOfService, "CallFailed"))
    .map((log) => Number(argsOf(log, proofOfService, "CallFailed").index));
  const calls = isDirect ? decode(proofOfService.abi, transaction.input, failed) : [];
  return { hash, block, calls, logs };
}

function decode(abi: Abi, data: Hex, failed: readonly number[]): RoundCall[] {
  let functionName: string;
  let args: readonly unknown[];
  try {
    ({ functionName, args = [] } = decodeFunctionData({ abi, data }));
  } catch {
    // No call of this interface: the events of the transaction then have no call, and are named.
    return [];
  }
  switch (functionName) {
    case "tryMulticall": {
      const [parts] = args as readonly [readonly Hex[]];
      return parts.flatMap((part, index) => (failed.includes(index) ? [] : decode(abi, part, [])));
    }
    case "commit": {
      const [auditor, epoch, commitment] = args as readonly [Address, number, Hex];
      return [{ name: "commit", auditor, epoch, commitment }];
    }
    case "reveal": {
      const [chunk] = args as readonly [ChunkArgument];
      return [{ name: "reveal", chunk }];
    }
    case "claim": {
      const [chunk, sampleEpoch, samples] = args as readonly [
        ChunkArgument,
        number,
        readonly SampleArgument[],
      ];
      return [{ name: "claim", chunk, sampleEpoch, samples }];
    }
    default:
      return [];
  }
}
