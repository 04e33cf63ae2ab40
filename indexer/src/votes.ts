import { auditedShard, auditor as auditors, report, round, service, slot } from "ponder:schema";
import { drawKey, drawnWeight, expectedWeight, slotAt } from "@protocol/sortition.ts";
import { readReportWord, verdictOf, type Grade } from "@protocol/tally.ts";
import type { Address, Hex } from "viem";
import type { RevealedChunk } from "./calldata.ts";
import type { Db, Source } from "./context.ts";
import { changeEpoch } from "./totals.ts";

/** The weight that a shard counts at most. */
const MOST_COUNTED = 15;
const columns = ["failed", "poor", "good", "excellent"] as const;

interface Chunk extends RevealedChunk {
  auditor: Address;
  epoch: number;
  index: number;
}

/** Adds the words of a revealed chunk to the services' rounds, as the contract adds them to its tallies. */
export async function countReports(
  db: Db,
  chunk: Chunk,
  draw: { seed: Hex; total: bigint },
  event: Source,
): Promise<void> {
  const { auditor, epoch } = chunk;
  const stake = await stakeIn(db, auditor, epoch);
  const y = drawKey(draw.seed, chunk.secret, auditor);
  const expected = draw.total === 0n ? 0n : expectedWeight(stake, draw.total);
  const verdicts = { failed: 0, poor: 0, good: 0, excellent: 0 };

  for (const packed of chunk.words) {
    const { offset, votes } = readReportWord(packed);
    const shard = chunk.base + offset;
    const weight = drawnWeight(y, shard, expected);
    const counted = await countWeight(db, epoch, shard, weight);
    await db.insert(report).values({
      epoch,
      shard: BigInt(shard),
      auditor,
      chunk: chunk.index,
      votes: votes.map((vote) => vote ?? "-").join(""),
      weight,
      counted,
      time: event.block.timestamp,
      transaction: event.transaction.hash,
    });
    for (const [lane, vote] of votes.entries()) {
      if (vote === null) continue;
      const number = await holderOf(db, shard, lane, epoch);
      if (number === undefined) continue; // The contract refuses a vote on a lane without an active service.
      await countVote(db, { number, epoch, shard, lane, vote, counted }, verdicts);
    }
  }
  await changeEpoch(db, epoch, (row) => ({
    failed: row.failed + verdicts.failed,
    poor: row.poor + verdicts.poor,
    good: row.good + verdicts.good,
    excellent: row.excellent + verdicts.excellent,
  }));
}

/** The auditor's stake in an epoch, BLOC in wei. */
async function stakeIn(db: Db, auditor: Address, epoch: number): Promise<bigint> {
  const row = await db.find(auditors, { auditor });
  const newest = row?.stakes.findLast(([since]) => since <= epoch);
  return BigInt(newest?.[1] ?? 0);
}

/** As much of a report's weight as still fits its shard. */
async function countWeight(db: Db, epoch: number, shard: number, weight: number): Promise<number> {
  let counted = Math.min(weight, MOST_COUNTED);
  await db
    .insert(auditedShard)
    .values({ epoch, shard: BigInt(shard), counted, reports: 1 })
    .onConflictDoUpdate((row) => {
      counted = Math.min(weight, MOST_COUNTED - row.counted);
      return { counted: row.counted + counted, reports: row.reports + 1 };
    });
  return counted;
}

/** The service that had a slot in an epoch. */
async function holderOf(
  db: Db,
  shard: number,
  lane: number,
  epoch: number,
): Promise<bigint | undefined> {
  const row = await db.find(slot, { slot: BigInt(slotAt(shard, lane)) });
  if (row === null) return undefined;
  return row.since <= epoch ? row.number : (row.previous ?? undefined);
}

interface Vote {
  number: bigint;
  epoch: number;
  shard: number;
  lane: number;
  vote: Grade;
  counted: number;
}

async function countVote(
  db: Db,
  { number, epoch, shard, lane, vote, counted }: Vote,
  verdicts: Record<(typeof columns)[number], number>,
): Promise<void> {
  const column = columns[vote];
  const place = { shard: BigInt(shard), lane };
  const none = { failed: 0, poor: 0, good: 0, excellent: 0 };
  let before: number | null = null;
  let after = verdictOf(columns.map((name) => (name === column ? counted : 0)));
  await db
    .insert(round)
    .values({
      number,
      epoch,
      ...place,
      ...none,
      [column]: counted,
      votes: 1,
      verdict: after,
      settledGrade: null,
      reward: null,
      settledAt: null,
    })
    .onConflictDoUpdate((row) => {
      before = row.verdict;
      const counts = { ...row, [column]: row[column] + counted };
      after = verdictOf(columns.map((name) => counts[name]));
      return { ...place, [column]: counts[column], votes: row.votes + 1, verdict: after };
    });
  const verdict = after;
  if (verdict === null || verdict === before) return;
  verdicts[columns[verdict]] += 1;
  if (before !== null) verdicts[columns[before as Grade]] -= 1;
  await db.update(service, { number }).set((row) =>
    row.verdictEpoch === epoch
      ? { verdict }
      : {
          verdict,
          verdictEpoch: epoch,
          verdictBefore: row.verdict,
          verdictBeforeEpoch: row.verdictEpoch,
        },
  );
}
