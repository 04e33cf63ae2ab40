import { drawnWeight, K } from "./sortition.ts";
import { lanesOf, readReportWord, verdictOf, type Grade, type Verdict } from "./tally.ts";

/** Epochs before an epoch whose verdict may replace a missing one (`Settlement.CARRY_EPOCHS`). */
export const CARRY_EPOCHS = 4;

/** Quarters of the full pay that a vote earns, by verdict. */
export function payQuarters(vote: Grade, verdict: Verdict): 0n | 1n | 2n | 4n {
  if (verdict === null) return 0n;
  if (vote === 0 && verdict === 0) return 1n;
  if (vote === 0 || verdict === 0) return 0n;
  if (vote === verdict) return 4n;
  return Math.abs(vote - verdict) === 1 ? 2n : 0n;
}

/** Pay of a report word per unit of drawn weight, each division rounded down; 0 without services. */
export function reportPay(
  tally: bigint,
  word: bigint,
  budget: bigint,
  active: bigint,
): { pay: bigint; paidVotes: number } {
  let pay = 0n;
  let paidVotes = 0;
  const lanes = lanesOf(tally);
  readReportWord(word).votes.forEach((vote, lane) => {
    const counts = lanes[lane] ?? [];
    if (vote === null) return;
    const quarters = payQuarters(vote, verdictOf(counts));
    if (quarters === 0n) return;
    paidVotes += 1;
    if (active === 0n) return;
    const counted = BigInt(counts.reduce((sum, count) => sum + count, 0));
    pay += quarters * (budget / (4n * active * (counted > K ? counted : K)));
  });
  return { pay, paidVotes };
}

/** Pay of a whole chunk before the budget's bound. */
export function chunkPay(
  words: readonly { shard: number; word: bigint; tally: bigint }[],
  draw: { y: `0x${string}`; expected: bigint },
  budget: bigint,
  active: bigint,
): bigint {
  return words.reduce((sum, { shard, word, tally }) => {
    const weight = BigInt(drawnWeight(draw.y, shard, draw.expected));
    return sum + weight * reportPay(tally, word, budget, active).pay;
  }, 0n);
}

/** A provider's pay for an epoch, rounded down. */
export function providerPay(budget: bigint, stake: bigint, total: bigint, grade: Grade): bigint {
  const percent = [0n, 40n, 80n, 100n][grade] ?? 0n;
  return (budget * stake * percent) / (total * 100n);
}
