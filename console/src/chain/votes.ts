import { parseEventLogs, type Address, type Hex } from "viem";
import type { ChunkArgument } from "@protocol/round.ts";
import { placeOf } from "@protocol/sortition.ts";
import { readReportWord, type Verdict } from "@protocol/tally.ts";
import type { Sources } from "../context.tsx";
import type { Head } from "./head.ts";
import { readEvents } from "./logs.ts";
import { readerOf } from "./reader.ts";
import { chunksIn } from "./reveals.ts";

/** Transactions that are read for the votes of one epoch. */
const MAX_TRANSACTIONS = 100;

/** The vote of an auditor on a service in an epoch. */
export interface Vote {
  auditor: Address;
  /** Null: it was drawn for the shard, and cast no vote on the service. */
  vote: Verdict;
  transaction: Hex;
}

/** The votes of an epoch on a service, from the calldata of the reveals. */
export async function readVotes(
  sources: Sources,
  head: Head,
  { slot }: { slot: number },
  epoch: number,
  signal: AbortSignal,
): Promise<{ votes: Vote[]; isWhole: boolean }> {
  const { client, contracts } = sources;
  const { proofOfService } = contracts;
  const reader = readerOf(sources);
  const from = await reader.firstBlock(epoch + 1, head);
  const to =
    epoch + 2 <= head.epoch ? (await reader.firstBlock(epoch + 2, head)) - 1n : head.number;
  const { events } = await readEvents(
    { from, to },
    async (piece) =>
      parseEventLogs({
        abi: proofOfService.abi,
        eventName: "Revealed",
        logs: await client.getContractEvents({
          ...proofOfService,
          eventName: "Revealed",
          args: { epoch },
          fromBlock: piece.from,
          toBlock: piece.to,
        }),
      }),
    signal,
  );
  const hashes = [...new Set(events.map(({ transactionHash }) => transactionHash))];
  const read = await Promise.all(
    hashes.slice(0, MAX_TRANSACTIONS).map((hash) => client.getTransaction({ hash })),
  );
  const place = placeOf(Math.max(1, slot));
  const votes = read.flatMap(({ input, hash }) =>
    chunksIn(input)
      .filter((chunk) => chunk.epoch === epoch)
      .flatMap((chunk) => votesIn(chunk, place).map((vote) => ({ ...vote, transaction: hash }))),
  );
  return { votes, isWhole: hashes.length <= MAX_TRANSACTIONS };
}

function votesIn(chunk: ChunkArgument, { shard, lane }: { shard: number; lane: number }) {
  return chunk.words.flatMap((word) => {
    const { offset, votes } = readReportWord(word);
    if (chunk.base + offset !== shard) return [];
    return [{ auditor: chunk.auditor, vote: votes[lane] ?? null }];
  });
}
