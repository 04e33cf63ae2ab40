/** Commitments, reveals, draws and tallies of an epoch (docs/protocol.md, 3.3 to 3.5). */
import type { Address, Hex } from "viem";
import { ringTag } from "../../../src/protocol/epoch.ts";
import { leadsTo } from "../../../src/protocol/hashChain.ts";
import { commitmentOf, type ChunkArgument } from "../../../src/protocol/round.ts";
import { drawKey, drawnWeight, expectedWeight, placeOf } from "../../../src/protocol/sortition.ts";
import {
  addReport,
  isWellFormed,
  lanesOf,
  readReportWord,
  verdictOf,
  type Verdict,
} from "../../../src/protocol/tally.ts";
import type { Book } from "./book.ts";
import type { About, Figures } from "./figures.ts";

/** The votes of a report word, without its offset. */
const VOTES = (1n << 240n) - 1n;

/** A word of a revealed chunk. */
export interface RevealedWord {
  shard: number;
  /** With which the auditor was drawn for the shard. */
  weight: number;
  votes: bigint;
}

/** A round of an auditor, by its calldata. */
export interface Round {
  auditor: Address;
  commitment: Hex | undefined;
  y: Hex | undefined;
  expected: bigint;
  /** How many chunks the reveals say that there are. */
  count: number;
  chunks: RevealedWord[][];
  votes: number;
  reported: boolean;
  claimed: Set<number>;
  paidVotes: number;
  reward: bigint;
}

/** What an epoch's rounds are counted with. */
export interface RoundTerms {
  epoch: number;
  seed: Hex;
  book: Book;
  figures: Figures;
}

/** The rounds of one epoch. */
export class Rounds {
  readonly rounds = new Map<Address, Round>();
  readonly tallies = new Map<number, bigint>();
  readonly #terms: RoundTerms;
  readonly #enrolled: ReadonlyMap<Address, bigint>;
  readonly #total: bigint;

  constructor(terms: RoundTerms) {
    this.#terms = terms;
    this.#enrolled = terms.book.enrolledIn(terms.epoch);
    this.#total = [...this.#enrolled.values()].reduce((sum, stake) => sum + stake, 0n);
  }

  round(auditor: Address): Round {
    const known = this.rounds.get(auditor);
    if (known !== undefined) return known;
    const stake = this.#enrolled.get(auditor) ?? 0n;
    const round: Round = {
      auditor,
      commitment: undefined,
      y: undefined,
      expected: this.#total === 0n ? 0n : expectedWeight(stake, this.#total),
      count: 0,
      chunks: [],
      votes: 0,
      reported: false,
      claimed: new Set(),
      paidVotes: 0,
      reward: 0n,
    };
    this.rounds.set(auditor, round);
    return round;
  }

  commit(auditor: Address, commitment: Hex): void {
    const { figures } = this.#terms;
    const about = this.#about("commitment by an enrolled auditor", auditor);
    figures.check(about, true, this.#enrolled.has(auditor));
    this.round(auditor).commitment = commitment;
  }

  /** Counts a chunk as it was revealed. Returns its votes. */
  reveal(chunk: ChunkArgument): number {
    const { epoch, seed, book, figures } = this.#terms;
    const { auditor, index, secret } = chunk;
    const round = this.round(auditor);
    figures.check(this.#about("chunks in order", auditor), round.chunks.length, index);
    const shown = commitmentOf(chunk) ?? "a chunk that is not among its hashes";
    figures.check(this.#about("commitment", auditor), shown, round.commitment);
    const tip = book.tipOf(auditor, epoch);
    const leads = tip !== undefined && leadsTo(secret, epoch - tip.since + 1, tip.tip);
    figures.check(this.#about("secret of the hash chain", auditor), true, leads);
    round.y = drawKey(seed, secret, auditor);
    round.count = chunk.count;
    const words = this.wordsOf(chunk, round);
    let [votes, next] = [0, 0];
    for (const word of words) {
      votes += this.#count(auditor, word, next);
      next = word.shard + 1;
    }
    round.chunks.push(words);
    round.votes += votes;
    return votes;
  }

  /** The words of a chunk, with the weights that the draw gives. */
  wordsOf({ base, words }: ChunkArgument, { y, expected }: Round): RevealedWord[] {
    return words.map((word) => {
      const shard = base + Number(word >> 240n);
      const weight = y === undefined ? 0 : drawnWeight(y, shard, expected);
      return { shard, weight, votes: word & VOTES };
    });
  }

  /** The verdict on a slot; null without a quorum. */
  verdict(slot: number): Verdict {
    const { shard, lane } = placeOf(slot);
    return verdictOf(lanesOf(this.tallies.get(shard) ?? 0n)[lane] ?? []);
  }

  /** The shards with active services for which an auditor was drawn, with its weights. */
  drawOf({ y, expected }: Round): { shard: number; weight: number }[] {
    if (y === undefined) return [];
    return this.#terms.book
      .shardsIn(this.#terms.epoch)
      .map((shard) => ({ shard, weight: drawnWeight(y, shard, expected) }))
      .filter(({ weight }) => weight > 0);
  }

  #count(auditor: Address, { shard, weight, votes }: RevealedWord, next: number): number {
    const { epoch, book, figures } = this.#terms;
    const named = `${auditor}, shard ${shard}`;
    figures.check(this.#about("draw of a shard", named), true, weight > 0 && shard >= next);
    figures.check(this.#about("one vote for each lane", named), true, isWellFormed(votes));
    const lanes = readReportWord(votes).votes.flatMap((vote, lane) =>
      vote === null ? [] : [lane],
    );
    const inactive = lanes.filter((lane) => book.holderOf(shard, lane, epoch) === undefined);
    figures.check(this.#about("votes on inactive lanes", named), 0, inactive.length);
    const tally = this.tallies.get(shard) ?? 0n;
    this.tallies.set(shard, addReport(tally, ringTag(epoch), votes, BigInt(weight)));
    return lanes.length;
  }

  #about(what: string, party: string): About {
    return { what, epoch: this.#terms.epoch, party };
  }
}
