import { parseEventLogs, type Address } from "viem";
import { chunkPay, reportPay } from "@protocol/pay.ts";
import { contacts, type ChunkArgument } from "@protocol/round.ts";
import { drawKey, expectedWeight } from "@protocol/sortition.ts";
import type { Sources } from "../context.tsx";
import type { Head } from "./head.ts";
import { readEvents } from "./logs.ts";
import { readerOf } from "./reader.ts";
import { chunksIn } from "./reveals.ts";

/** Transactions of reveals, and tallies of shards, that are read for one auditor. */
const MAX_TRANSACTIONS = 200;
const MAX_WORDS = 3_000;

/** What a claim of a round would pay now. */
export interface UnclaimedPay {
  epoch: number;
  /** By the rules of docs/protocol.md, 3.8, at most what is left of the epoch's budget; BLOC in wei. */
  due: bigint;
  votes: number;
  paidVotes: number;
  /** Whether a claim must show receipts: only the auditor's machine has them. */
  needsReceipts: boolean;
}

/** The pay of some rounds. */
export interface UnclaimedPays {
  pays: ReadonlyMap<number, UnclaimedPay>;
  /** Rounds that were not counted: their reveals are too old or too many, or came by way of another contract. */
  notCounted: readonly number[];
}

/**
 * Counts what revealed rounds would pay, from the calldata of their reveals and the tallies on chain. A round's verdicts
 * are final two epochs after it, so only the rest of the budget can change.
 *
 * @param epochs Final epochs, the one whose claim ends first in front.
 */
export async function readUnclaimedPay(
  sources: Sources,
  head: Head,
  auditor: Address,
  epochs: readonly number[],
  signal: AbortSignal,
): Promise<UnclaimedPays> {
  const chunks = await readChunks(sources, head, auditor, epochs, signal);
  const pays = new Map<number, UnclaimedPay>();
  let words = 0;
  for (const epoch of epochs) {
    signal.throwIfAborted();
    const own = chunks.get(epoch) ?? [];
    words += own.reduce((sum, chunk) => sum + chunk.words.length, 0);
    const [first] = own;
    if (first === undefined || own.length < first.count || words > MAX_WORDS) continue;
    pays.set(epoch, await payOf(sources, auditor, epoch, own));
  }
  return { pays, notCounted: epochs.filter((epoch) => !pays.has(epoch)) };
}

/** The revealed chunks by epoch. */
async function readChunks(
  sources: Sources,
  head: Head,
  auditor: Address,
  epochs: readonly number[],
  signal: AbortSignal,
): Promise<Map<number, ChunkArgument[]>> {
  const { client, contracts } = sources;
  const { abi, address } = contracts.proofOfService;
  const found = new Map<number, ChunkArgument[]>();
  if (epochs.length === 0) return found;
  // A round is revealed in the epoch after its own.
  const from = await readerOf(sources).firstBlock(Math.min(...epochs) + 1, head);
  const { events } = await readEvents(
    { from, to: head.number },
    async (piece) =>
      parseEventLogs({
        abi,
        eventName: "Revealed",
        logs: await client.getContractEvents({
          ...{ abi, address, eventName: "Revealed" },
          args: { auditor, epoch: [...epochs] },
          ...{ fromBlock: piece.from, toBlock: piece.to },
        }),
      }),
    signal,
  );
  const hashes = [...new Set(events.map(({ transactionHash }) => transactionHash))];
  const read = await Promise.all(
    hashes.slice(0, MAX_TRANSACTIONS).map((hash) => client.getTransaction({ hash })),
  );
  for (const chunk of read.flatMap(({ input }) => chunksIn(input))) {
    if (chunk.auditor !== auditor || !epochs.includes(chunk.epoch)) continue;
    const own = found.get(chunk.epoch) ?? [];
    found.set(chunk.epoch, own);
    // A call that failed in a batch may have been sent again.
    if (!own.some(({ index }) => index === chunk.index)) own.push(chunk);
  }
  return found;
}

async function payOf(
  { client, contracts }: Sources,
  auditor: Address,
  epoch: number,
  chunks: readonly ChunkArgument[],
): Promise<UnclaimedPay> {
  const { proofOfService, staking } = contracts;
  const args = [auditor, epoch] as const;
  const at = [epoch] as const;
  const [[seed, , activeServices], [budget, left, , total], stake, [, , claimed]] =
    await Promise.all([
      client.readContract({ ...proofOfService, functionName: "seedOf", args: at }),
      client.readContract({ ...proofOfService, functionName: "budgetOf", args: at }),
      client.readContract({ ...staking, functionName: "auditorStakeAt", args }),
      client.readContract({ ...proofOfService, functionName: "roundOf", args }),
    ]);
  const open = chunks.filter(({ index }) => (claimed >> BigInt(index)) % 2n === 0n);
  const active = BigInt(activeServices);
  const expected = total === 0n ? 0n : expectedWeight(stake, total);
  let [due, votes, paidVotes] = [0n, 0, 0];
  for (const chunk of open) {
    const words = await Promise.all(
      chunk.words.map(async (word) => {
        const shard = chunk.base + Number(word >> 240n);
        const tally = await client.readContract({
          ...proofOfService,
          functionName: "tallyOf",
          args: [BigInt(shard), epoch],
        });
        return { shard, word, tally };
      }),
    );
    due += chunkPay(words, { y: drawKey(seed, chunk.secret, auditor), expected }, budget, active);
    for (const { word, tally } of words) {
      const paid = reportPay(tally, word, budget, active);
      paidVotes += paid.paidVotes;
    }
    votes += words.reduce((sum, { word }) => sum + votesOf(word), 0);
  }
  const needsReceipts = open.some((chunk) => contacts(chunk).length > 0);
  return { epoch, due: due < left ? due : left, votes, paidVotes, needsReceipts };
}

/** Votes of a report word: each is one bit. */
function votesOf(word: bigint): number {
  let bits = 0;
  for (let rest = word & ((1n << 240n) - 1n); rest > 0n; rest &= rest - 1n) bits += 1;
  return bits;
}
