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
    const holders = await Promise.all(
      votes.map((vote, lane) =>
        vote === null ? Promise.resolve(undefined) : holderOf(db, shard, lane, epoch),
      ),
    );
    const counting = votes.flatMap((vote, lane) => {
      const number = holders[lane];
      // The contract refuses a vote on a lane without an active service.
      return vote === null || number === undefined ? [] : [{ number, lane, vote }];
    });
    await countVotes(db, { epoch, shard, counted, votes: counting }, verdicts);
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

interface Votes {
  epoch: number;
  shard: number;
  /** The weight that counts, the same for all of a report. */
  counted: number;
  votes: readonly { number: bigint; lane: number; vote: Grade }[];
}

/** Adds the votes of a report to the rounds of its services: one call of the store, for it takes most of the time. */
async function countVotes(
  db: Db,
  { epoch, shard, counted, votes }: Votes,
  verdicts: Record<(typeof columns)[number], number>,
): Promise<void> {
  if (votes.length === 0) return;
  const changes = new Map<bigint, { before: number | null; after: number | null }>();
  const voteFor = new Map(votes.map((each) => [each.number, each]));
  const fresh = votes.map(({ number, lane, vote }) => {
    const counts = { failed: 0, poor: 0, good: 0, excellent: 0, [columns[vote]]: counted };
    const verdict = verdictOf(columns.map((name) => counts[name]));
    changes.set(number, { before: null, after: verdict });
    return {
      ...{ number, epoch, shard: BigInt(shard), lane, ...counts, votes: 1, verdict },
      ...{ settledGrade: null, reward: null, settledAt: null },
    };
  });
  await db
    .insert(round)
    .values(fresh)
    .onConflictDoUpdate((row) => {
      const cast = voteFor.get(row.number);
      if (cast === undefined) throw new Error("A round is counted for which no vote was cast.");
      const column = columns[cast.vote];
      const counts = columns.map((name) => row[name] + (name === column ? counted : 0));
      const verdict = verdictOf(counts);
      changes.set(row.number, { before: row.verdict, after: verdict });
      // It has no place yet if it was settled without votes.
      const place = { shard: BigInt(shard), lane: cast.lane };
      return { ...place, [column]: row[column] + counted, votes: row.votes + 1, verdict };
    });
  for (const [number, { before, after }] of changes) {
    if (after === null || after === before) continue;
    verdicts[columns[after as Grade]] += 1;
    if (before !== null) verdicts[columns[before as Grade]] -= 1;
    await noteVerdict(db, number, epoch, after);
  }
}

/** Notes a verdict at its service, which keeps the two newest. */
async function noteVerdict(db: Db, number: bigint, epoch: number, verdict: number): Promise<void> {
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
