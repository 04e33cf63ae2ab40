/** Report words, weights, tallies, verdicts and pay of docs/protocol.md, sections 3.3, 3.4 and 3.8. */

export const LANES = 15;
/** K: the mean weight of a shard. */
export const EXPECTED_WEIGHT = 7n;
const MAX_WEIGHT = 15n;
const QUORUM = 3;
const LANE_BITS = 16n;

/** One vote of a report word. */
export interface LaneVote {
  lane: number;
  grade: number;
}

/** What a word says: how far its shard stands above the chunk's base, and its votes by lane. */
export interface ReportWord {
  offset: number;
  votes: readonly LaneVote[];
}

export function readWord(word: bigint): ReportWord {
  const votes: LaneVote[] = [];
  for (let lane = 0; lane < LANES; lane++) {
    const bits = (word >> (BigInt(lane) * LANE_BITS)) & 0xffffn;
    const grades = [0, 1, 2, 3].filter((grade) => ((bits >> BigInt(4 * grade)) & 0xfn) !== 0n);
    if (grades.length > 1 || grades.some((grade) => bits !== 1n << BigInt(4 * grade))) {
      throw new Error(`lane ${lane} of word 0x${word.toString(16)} holds more than one vote`);
    }
    if (grades.length === 1) votes.push({ lane, grade: grades[0]! });
  }
  return { offset: Number(word >> 240n), votes };
}

/** The weight with which a stake is drawn for a shard whose ticket is given; 0 where it is not. */
export function weightOf(stake: bigint, total: bigint, ticket: bigint): number {
  if (stake === 0n) return 0;
  const share = ((EXPECTED_WEIGHT * stake) << 64n) / total;
  const x = share > MAX_WEIGHT << 64n ? MAX_WEIGHT << 64n : share;
  return Number((x >> 64n) + (ticket < (x & 0xffff_ffff_ffff_ffffn) ? 1n : 0n));
}

/** The counts of one shard in one epoch, plainly: by lane, by grade. */
export class ShardTally {
  readonly #counts = Array.from({ length: LANES }, () => [0, 0, 0, 0]);
  #weight = 0;

  /** Adds a report with its weight, as far as that fits. */
  add(votes: readonly LaneVote[], weight: number): void {
    const counted = Math.min(weight, Number(MAX_WEIGHT) - this.#weight);
    this.#weight += counted;
    for (const { lane, grade } of votes) this.#counts[lane]![grade]! += counted;
  }

  /** The weight that was counted in a lane. */
  total(lane: number): number {
    return this.#counts[lane]!.reduce((sum, count) => sum + count, 0);
  }

  /** The median of a lane; undefined where it missed its quorum. */
  verdict(lane: number): number | undefined {
    const total = this.total(lane);
    if (total < QUORUM) return undefined;
    let cumulative = 0;
    return this.#counts[lane]!.findIndex((count) => 2 * (cumulative += count) > total);
  }

  /** As the word that `tallyOf` returns. */
  word(tag: number): bigint {
    const lanes = this.#counts.map((grades, lane) =>
      grades
        .map((count, grade) => BigInt(count) << (BigInt(lane) * LANE_BITS + BigInt(4 * grade)))
        .reduce((sum, bits) => sum | bits, 0n),
    );
    const head = (BigInt(tag) << 244n) | (BigInt(this.#weight) << 240n);
    return lanes.reduce((word, bits) => word | bits, head);
  }
}

/** Quarters of the full pay, by vote and verdict; the last column is that of no quorum. */
const QUARTERS: readonly (readonly number[])[] = [
  [1, 0, 0, 0, 0],
  [0, 4, 2, 0, 0],
  [0, 2, 4, 2, 0],
  [0, 0, 2, 4, 0],
];

export function quartersOf(vote: number, verdict: number | undefined): bigint {
  return BigInt(QUARTERS[vote]![verdict ?? 4]!);
}

/** The part of a provider's full pay that a verdict leaves, in percent. */
export const PAY_PERCENT: readonly bigint[] = [0n, 40n, 80n, 100n];
