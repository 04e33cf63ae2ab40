/** Follows a transaction until it is mined, or another one has its place. */
import {
  TransactionNotFoundError,
  TransactionReceiptNotFoundError,
  type Address,
  type Hex,
  type TransactionReceipt,
} from "viem";
import {
  getBlock,
  getTransaction,
  getTransactionCount,
  getTransactionReceipt,
  watchBlockNumber,
} from "viem/actions";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { Plan, Reader, ResolvedCall, Result } from "./act.ts";
import { describeRefusal, refusalOf } from "./refusal.ts";
import { withErrors } from "./withErrors.ts";

/** How a transaction ended. */
export type Ending =
  | { kind: "confirmed"; hash: Hex; block: bigint; gasUsed: bigint; result: Result | undefined }
  | { kind: "failed"; hash: Hex; error: BlockcloudError }
  /** `by` is undefined if the transaction with its nonce was not found. */
  | { kind: "replaced"; hash: Hex; by: Hex | undefined };

export interface Followed {
  hash: Hex;
  account: Address;
  /** The account's next nonce before the wallet was asked: the transaction's, unless the wallet had others open. */
  nonce: number;
  plan?: Plan | undefined;
  call?: ResolvedCall | undefined;
}

/** How often a new block is looked for, milliseconds. */
const POLL_MS = 1_000;
/** Newest blocks in which the transaction that took the place is looked for. */
const MOST_BLOCKS = 32n;

interface Known {
  nonce: number;
  to?: Address | null;
  input?: Hex;
}

/** @throws What the node answers, if it fails; the transaction may have been mined. */
export async function follow(
  client: Reader,
  followed: Followed,
  signal: AbortSignal,
): Promise<Ending> {
  const { hash, account } = followed;
  let known: Known = { nonce: followed.nonce };
  let seen = -1n;
  for (;;) {
    seen = await nextBlock(client, seen, signal);
    const receipt = await receiptOf(client, hash);
    if (receipt !== undefined) return ended(client, receipt, followed);
    const transaction = await transactionOf(client, hash);
    if (transaction !== undefined) known = transaction;
    const next = await getTransactionCount(client, { address: account, blockTag: "latest" });
    // A transaction that the node knows and that waits behind others is not replaced.
    if (next <= known.nonce) continue;
    const late = await receiptOf(client, hash);
    if (late !== undefined) return ended(client, late, followed);
    const other = await withNonce(client, account, known.nonce, seen);
    const isSame = other?.to === known.to && other?.input === known.input;
    if (other === undefined || !isSame) return { kind: "replaced", hash, by: other?.hash };
    // The wallet sent the same transaction with another fee.
    const again = await receiptOf(client, other.hash);
    if (again !== undefined) return ended(client, again, followed);
  }
}

async function ended(
  client: Reader,
  receipt: TransactionReceipt,
  { plan, call, account }: Followed,
): Promise<Ending> {
  const { transactionHash: hash, blockNumber: block, gasUsed } = receipt;
  if (receipt.status !== "success") {
    return { kind: "failed", hash, error: await reasonOf(client, receipt, call, account) };
  }
  plan?.done?.();
  return { kind: "confirmed", hash, block, gasUsed, result: plan?.result?.(receipt) };
}

/** Tries the failed call again where it failed, for the contract's error. */
async function reasonOf(
  client: Reader,
  { transactionHash, blockNumber }: TransactionReceipt,
  call: ResolvedCall | undefined,
  account: Address,
): Promise<BlockcloudError> {
  const failed = new BlockcloudError(
    "TRANSACTION_REVERTED",
    `Transaction ${transactionHash} was mined and failed.`,
    { remedy: "Another transaction came first: look at the state and send the act again." },
  );
  if (call === undefined) return failed;
  try {
    await client.simulateContract({ ...withErrors(call), account, blockNumber });
    return failed;
  } catch (error) {
    return refusalOf(error) === undefined ? failed : describeRefusal(call.functionName, error);
  }
}

/** Waits for a block above one. */
function nextBlock(client: Reader, above: bigint, signal: AbortSignal): Promise<bigint> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const unwatch = watchBlockNumber(client, {
      emitOnBegin: true,
      poll: true,
      pollingInterval: POLL_MS,
      onBlockNumber(number) {
        if (number <= above) return;
        stop();
        resolve(number);
      },
      onError() {
        // The node fails for now; it is asked again.
      },
    });
    const aborted = () => {
      stop();
      reject(signal.reason as Error);
    };
    const stop = () => {
      unwatch();
      signal.removeEventListener("abort", aborted);
    };
    signal.addEventListener("abort", aborted);
  });
}

async function receiptOf(client: Reader, hash: Hex): Promise<TransactionReceipt | undefined> {
  try {
    return await getTransactionReceipt(client, { hash });
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError) return undefined;
    throw error;
  }
}

async function transactionOf(client: Reader, hash: Hex): Promise<Known | undefined> {
  try {
    const { nonce, to, input } = await getTransaction(client, { hash });
    return { nonce, to, input };
  } catch (error) {
    if (error instanceof TransactionNotFoundError) return undefined;
    throw error;
  }
}

/** The account's mined transaction with a nonce, if it is in one of the newest blocks. */
async function withNonce(client: Reader, account: Address, nonce: number, newest: bigint) {
  const oldest = newest > MOST_BLOCKS ? newest - MOST_BLOCKS : 0n;
  for (let blockNumber = newest; blockNumber > oldest; blockNumber--) {
    const { transactions } = await getBlock(client, { blockNumber, includeTransactions: true });
    const found = transactions.find(
      (each) => each.from.toLowerCase() === account.toLowerCase() && each.nonce === nonce,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
