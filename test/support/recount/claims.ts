/** Pay of auditors, and what an auditor loses (docs/protocol.md, sections 3.5, 3.8 and 3.11). */
import { recoverTypedDataAddress, type Address, type Hex } from "viem";
import type { Auditors } from "./auditors.ts";
import type { Books } from "./books.ts";
import type { Epochs } from "./epochs.ts";
import { chunkHash, evidenceRootOf, nonceOf, sampleOf, type Chunk, type Sample } from "./hashes.ts";
import { least, type Pool } from "./pool.ts";
import type { Registry } from "./registry.ts";
import type { DrawnWord, Rounds } from "./rounds.ts";
import { EXPECTED_WEIGHT, LANES, quartersOf } from "./tally.ts";
import {
  CLAIM_EPOCHS,
  LAPSE_EPOCHS,
  NO_SHOW_DIVISOR,
  RECEIPT_SLACK_MS,
  REPORT_EPOCHS,
  SAMPLES,
} from "./terms.ts";

const receiptTypes = {
  ServiceReceipt: [
    { name: "serviceId", type: "bytes32" },
    { name: "nonce", type: "bytes32" },
    { name: "channel", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
  ],
} as const;

export class Claims {
  readonly #books: Books;
  readonly #registry: Registry;
  readonly #auditors: Auditors;
  readonly #epochs: Epochs;
  readonly #rounds: Rounds;
  readonly #pool: Pool;

  constructor(
    books: Books,
    parts: { registry: Registry; auditors: Auditors; epochs: Epochs; rounds: Rounds; pool: Pool },
  ) {
    this.#books = books;
    this.#registry = parts.registry;
    this.#auditors = parts.auditors;
    this.#epochs = parts.epochs;
    this.#rounds = parts.rounds;
    this.#pool = parts.pool;
  }

  async claim(chunk: Chunk, sampleEpoch: number, samples: readonly Sample[]): Promise<void> {
    const { auditor, epoch, index } = chunk;
    const { now } = this.#books;
    const about = { epoch, party: auditor };
    const round = this.#rounds.round(auditor, epoch);
    const inTime = now.epoch >= epoch + 2 && now.epoch <= epoch + 1 + CLAIM_EPOCHS;
    this.#books.require("claim: in time", inTime, about);
    const whole = round.revealed === round.chunks && !round.reported;
    this.#books.require("claim: of a round that was revealed", whole, about);
    this.#books.require("claim: of a chunk once", !round.claimed.has(index), about);
    this.#books.require("claim: the commitment", this.#rounds.opens(chunk, round), about);
    const first = this.#epochs.firstFrom(epoch + 2);
    this.#books.figures.check(
      { what: "claim: epoch of the samples", ...about },
      first?.epoch,
      sampleEpoch,
    );
    const words = this.#rounds.drawn(chunk, round.y!);
    await this.#prove(chunk, words, first!.seed, samples, round.y!);

    const votes = words.flatMap(({ shard, weight, votes }) =>
      votes.map((vote) => this.#payOf(epoch, shard, vote.lane, vote.grade, weight)),
    );
    const { budget } = this.#epochs.recorded.get(epoch)!;
    const reward = least(
      votes.reduce((sum, pay) => sum + pay, 0n),
      budget.auditorsLeft,
    );
    budget.auditorsLeft -= reward;
    this.#auditors.auditor(auditor).earned += reward;
    round.claimed.add(index);
    const paidVotes = votes.filter((pay) => pay > 0n).length;
    this.#books.emit("proofOfService", "Claimed", { auditor, epoch, index, paidVotes, reward });
  }

  collect(auditor: Address): void {
    const account = this.#auditors.auditor(auditor);
    const amount = account.earned;
    account.earned = 0n;
    this.#pool.payAuditor(auditor, amount);
    this.#books.emit("proofOfService", "Collected", { auditor, amount });
  }

  report(reporter: Address, auditor: Address, epoch: number): void {
    const about = { epoch, party: auditor };
    const { now } = this.#books;
    const round = this.#rounds.round(auditor, epoch);
    const seed = this.#epochs.recorded.get(epoch);
    const inTime = now.epoch >= epoch + 2 && now.epoch <= epoch + REPORT_EPOCHS;
    this.#books.require("report: in time", inTime, about);
    const unrevealed = round.chunks === 0 || round.revealed < round.chunks;
    this.#books.require("report: a round that was not revealed", unrevealed, about);
    this.#books.require("report: of a round once", !round.reported, about);
    const revealable = seed !== undefined && seed.recordedAt < this.#books.epochStart(epoch + 2);
    this.#books.require("report: it could be revealed", revealable, about);
    round.reported = true;
    const stake = this.#auditors.countedStake(auditor, epoch);
    const penalty = (stake + NO_SHOW_DIVISOR - 1n) / NO_SHOW_DIVISOR;
    this.#auditors.slash(auditor, penalty, reporter);
    this.#books.emit("proofOfService", "Reported", { auditor, epoch, reporter });
  }

  /** More than 24 epochs in which it could have revealed, and did not. */
  lapse(auditor: Address): void {
    const { tips, shown } = this.#auditors.auditor(auditor);
    const { epoch: current } = this.#books.now;
    const from = Math.max(shown?.epoch ?? 0, (tips.at(-1)?.since ?? 0) - 1);
    const missed = [...this.#epochs.recorded.values()].filter(
      ({ epoch, recordedAt }) =>
        epoch > from && epoch + 2 <= current && recordedAt < this.#books.epochStart(epoch + 2),
    );
    this.#books.require("lapse: silent for long", missed.length > LAPSE_EPOCHS, { party: auditor });
    this.#auditors.lapse(auditor);
  }

  #payOf(epoch: number, shard: number, lane: number, grade: number, weight: number): bigint {
    const { budget, activeServices } = this.#epochs.recorded.get(epoch)!;
    const tally = this.#rounds.tally(shard, epoch);
    const counted = BigInt(tally.total(lane));
    const least = counted > EXPECTED_WEIGHT ? counted : EXPECTED_WEIGHT;
    const quarter = budget.auditors / (4n * BigInt(activeServices) * least);
    return quarter * quartersOf(grade, tally.verdict(lane)) * BigInt(weight);
  }

  /** Checks that the claim proves the votes that the sample seed picks, and no other ones. */
  async #prove(
    chunk: Chunk,
    words: readonly DrawnWord[],
    seed: Hex,
    samples: readonly Sample[],
    y: Hex,
  ): Promise<void> {
    const { auditor, epoch, evidenceRoot } = chunk;
    const provable = words.flatMap(({ shard, votes }) =>
      votes.filter(({ grade }) => grade !== 0).map(({ lane }) => shard * LANES + lane + 1),
    );
    const count = provable.length === 0 ? 0 : SAMPLES;
    const about = { epoch, party: auditor };
    this.#books.figures.check({ what: "claim: samples", ...about }, count, samples.length);
    for (const [index, sample] of samples.slice(0, count).entries()) {
      const slot = provable[sampleOf(seed, chunkHash(chunk), index, provable.length)]!;
      const service = this.#registry.holderOf(slot, epoch);
      const what = `claim: sample ${index}`;
      const { figures } = this.#books;
      figures.check({ what: `${what}, service`, ...about }, service?.number, sample.number);
      figures.check({ what: `${what}, evidence`, ...about }, evidenceRoot, evidenceRootOf(sample));
      const signer = await this.#signer(sample, nonceOf(y, sample.number, sample.salt));
      figures.check({ what: `${what}, signer`, ...about }, service?.key.at(epoch), signer);
      this.#books.require(`${what}, date`, this.#isDated(sample.issuedAt, epoch), about);
    }
  }

  #isDated(issuedAt: bigint, epoch: number): boolean {
    const milliseconds = (each: number) => BigInt(this.#books.epochStart(each)) * 1000n;
    return (
      issuedAt >= milliseconds(epoch) - RECEIPT_SLACK_MS &&
      issuedAt <= milliseconds(epoch + 1) + RECEIPT_SLACK_MS
    );
  }

  #signer({ number, channel, issuedAt, signature }: Sample, nonce: Hex): Promise<Address> {
    const { record, contracts } = this.#books;
    // A root service's ID: its number in the upper 64 bits, and nothing below.
    const serviceId: Hex = `0x${number.toString(16).padStart(16, "0")}${"0".repeat(48)}`;
    return recoverTypedDataAddress({
      domain: {
        name: "Blockcloud",
        version: "1",
        chainId: record.chainId,
        verifyingContract: contracts.registry,
      },
      types: receiptTypes,
      primaryType: "ServiceReceipt",
      message: { serviceId, nonce, channel, issuedAt },
      signature,
    });
  }
}
