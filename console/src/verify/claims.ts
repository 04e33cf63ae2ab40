/** Pay of auditors, and the evidence for it (docs/protocol.md, 3.5 and 3.8). */
import type { Hex } from "viem";
import { epochStart, type EpochTiming } from "../../../src/protocol/epoch.ts";
import { chunkPay, reportPay } from "../../../src/protocol/pay.ts";
import { RECEIPT_SLACK_MS, type ReceiptSigner } from "../../../src/protocol/receipt.ts";
import {
  commitmentOf,
  evidenceLeaf,
  provesLeaf,
  sampledSlots,
  type ChunkArgument,
  type SampleArgument,
} from "../../../src/protocol/round.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { inspectionNonce } from "../../../src/protocol/sortition.ts";
import type { Book } from "./book.ts";
import type { About, Figures } from "./figures.ts";
import type { Round, Rounds } from "./rounds.ts";

export interface ClaimTerms {
  epoch: number;
  timing: EpochTiming;
  book: Book;
  figures: Figures;
  receipts: ReceiptSigner;
  /** The auditors' budget of the epoch, BLOC in wei. */
  budget: bigint;
  activeServices: bigint;
  /** The first epoch from two later on that has a seed, and its seed. */
  sampled: { epoch: number; seed: Hex } | undefined;
}

/** The claims of one epoch, in the chain's order. */
export class Claims {
  /** What is left of the budget, BLOC in wei. */
  left: bigint;
  readonly #terms: ClaimTerms;
  readonly #rounds: Rounds;

  constructor(terms: ClaimTerms, rounds: Rounds) {
    this.#terms = terms;
    this.#rounds = rounds;
    this.left = terms.budget;
  }

  /** What a claim pays, and how many of its votes; every division rounds down. */
  claim(
    chunk: ChunkArgument,
    sampleEpoch: number,
    samples: readonly SampleArgument[],
  ): { paidVotes: number; reward: bigint } {
    const { figures, budget, activeServices, sampled } = this.#terms;
    const { auditor, index } = chunk;
    const round = this.#rounds.round(auditor);
    figures.check(this.#about("claim of a chunk once", auditor), false, round.claimed.has(index));
    const whole = round.chunks.length === round.count && !round.reported;
    figures.check(this.#about("claim of a whole round", auditor), true, whole);
    const shown = commitmentOf(chunk) ?? "a chunk that is not among its hashes";
    figures.check(this.#about("commitment of a claim", auditor), shown, round.commitment);
    figures.check(this.#about("epoch of the samples", auditor), sampled?.epoch, sampleEpoch);
    const words = this.#rounds.wordsOf(chunk, round);
    if (sampled !== undefined) this.#prove(chunk, round, sampled.seed, samples);

    const tallied = words.map(({ shard, votes }) => ({
      shard,
      word: votes,
      tally: this.#rounds.tallies.get(shard) ?? 0n,
    }));
    const draw = { y: round.y ?? "0x", expected: round.expected };
    const due = round.y === undefined ? 0n : chunkPay(tallied, draw, budget, activeServices);
    const reward = due < this.left ? due : this.left;
    this.left -= reward;
    const paidVotes = tallied.reduce(
      (sum, { tally, word }) => sum + reportPay(tally, word, budget, activeServices).paidVotes,
      0,
    );
    round.claimed.add(index);
    round.paidVotes += paidVotes;
    round.reward += reward;
    return { paidVotes, reward };
  }

  /** Checks that a claim proves the contacts that the sample seed picks, and no other ones. */
  #prove(chunk: ChunkArgument, round: Round, seed: Hex, samples: readonly SampleArgument[]): void {
    const { epoch, book, figures, receipts } = this.#terms;
    const { auditor, evidenceRoot } = chunk;
    const slots = sampledSlots(chunk, seed);
    figures.check(this.#about("samples of a claim", auditor), slots.length, samples.length);
    for (const [place, slot] of slots.entries()) {
      const sample = samples[place];
      const service = book.activeIn(epoch).get(slot);
      const named = `${auditor}, sample ${place}`;
      figures.check(this.#about("service of a sample", named), service?.number, sample?.number);
      if (sample === undefined) continue;
      const { number, salt, channel, issuedAt, signature, proof } = sample;
      const proven = provesLeaf(evidenceRoot, evidenceLeaf(sample), proof);
      figures.check(this.#about("evidence of a sample", named), true, proven);
      const nonce = inspectionNonce(round.y ?? "0x", number, salt);
      const receipt = { serviceId: rootServiceId(number), nonce, channel, issuedAt, signature };
      const signer = receipts.recover(receipt);
      figures.check(this.#about("signer of a receipt", named), service?.key, signer);
      figures.check(this.#about("date of a receipt", named), true, this.#isDated(issuedAt));
    }
  }

  #isDated(issuedAt: bigint): boolean {
    const { epoch, timing } = this.#terms;
    const at = (each: number) => BigInt(epochStart(timing, each)) * 1000n;
    const slack = BigInt(RECEIPT_SLACK_MS);
    return issuedAt >= at(epoch) - slack && issuedAt <= at(epoch + 1) + slack;
  }

  #about(what: string, party: string): About {
    return { what, epoch: this.#terms.epoch, party };
  }
}
