import { LANES } from "./sortition.ts";

/** The grade of an inspection, a vote or a verdict. */
export const grades = ["FAILED", "POOR", "GOOD", "EXCELLENT"] as const;
export type Grade = 0 | 1 | 2 | 3;

/** The least weight in a lane for a verdict. */
export const QUORUM = 3;

/** A verdict, or null if the votes missed the quorum. */
export type Verdict = Grade | null;

/**
 * A report word: the shard's offset in its chunk in the top bits, then 15 lanes of four nibbles.
 *
 * @param offset Shard minus the chunk's base, 0 to 65,535.
 * @param votes By lane; null abstains.
 */
export function reportWord(offset: number, votes: readonly (Grade | null)[]): bigint {
  let packed = BigInt(offset) << 240n;
  votes.forEach((vote, lane) => {
    if (vote !== null) packed |= 1n << BigInt(lane * 16 + vote * 4);
  });
  return packed;
}

/** The votes of a report word, and the offset of its shard. */
export function readReportWord(packed: bigint): { offset: number; votes: (Grade | null)[] } {
  const votes = lanesOf(packed).map((counts) => {
    const grade = counts.findIndex((count) => count === 1);
    return grade === -1 ? null : (grade as Grade);
  });
  return { offset: Number(packed >> 240n), votes };
}

/** The four counters of each of a word's 15 lanes. */
export function lanesOf(packed: bigint): number[][] {
  return Array.from({ length: LANES }, (_, lane) =>
    [0, 1, 2, 3].map((grade) => Number((packed >> BigInt(lane * 16 + grade * 4)) & 0xfn)),
  );
}

/** Whether a report word has at most one vote per lane and nothing else. */
export function isWellFormed(packed: bigint): boolean {
  return lanesOf(packed).every(
    (counts) => counts.every((count) => count <= 1) && counts.filter((count) => count).length <= 1,
  );
}

/** Adds a report to a tally, with as much of its weight as still fits. */
export function addReport(tally: bigint, tag: bigint, votes: bigint, weight: bigint): bigint {
  const current = tally >> 244n === tag ? tally : tag << 244n;
  const counted = (current >> 240n) & 0xfn;
  const fits = weight > 15n - counted ? 15n - counted : weight;
  return current + (fits << 240n) + votes * fits;
}

/** The median of a lane's counters: the lowest grade with twice its cumulative count above the total. */
export function verdictOf(counts: readonly number[]): Verdict {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total < QUORUM) return null;
  let cumulative = 0;
  for (let grade = 0; grade < 3; grade++) {
    cumulative += counts[grade] ?? 0;
    if (2 * cumulative > total) return grade as Grade;
  }
  return 3;
}
