/** Rounds of auditors: commit and reveal, and the tallies (docs/protocol.md, sections 3.3 to 3.5). */
import type { Address, Hex } from "viem";
import type { Auditor, Auditors } from "./auditors.ts";
import type { Books } from "./books.ts";
import type { Epochs } from "./epochs.ts";
import { chunkHash, commitmentOf, drawOf, kept, leadsTo, ticketOf, type Chunk } from "./hashes.ts";
import type { Registry } from "./registry.ts";
import { LANES, readWord, ShardTally, weightOf, type LaneVote } from "./tally.ts";
import { MAX_STEPS, RING } from "./terms.ts";

export interface Round {
  commitment: Hex;
  /** Chunks that were revealed; they come in order. */
  revealed: number;
  chunks: number;
  /** Shards whose words were revealed. */
  shards: number[];
  y: Hex | undefined;
  claimed: Set<number>;
  reported: boolean;
}

/** Who was drawn for which shards; only in shards with active services does that mean anything. */
export interface Draw {
  auditor: Address;
  epoch: number;
  drawn: readonly number[];
  revealed: readonly number[];
}

/** A word of a chunk, with what follows from the draw. */
export interface DrawnWord {
  shard: number;
  weight: number;
  votes: readonly LaneVote[];
}

export class Rounds {
  readonly rounds = new Map<string, Round>();
  readonly tallies = new Map<string, ShardTally>();
  readonly #books: Books;
  readonly #registry: Registry;
  readonly #auditors: Auditors;
  readonly #epochs: Epochs;

  constructor(books: Books, parts: { registry: Registry; auditors: Auditors; epochs: Epochs }) {
    this.#books = books;
    this.#registry = parts.registry;
    this.#auditors = parts.auditors;
    this.#epochs = parts.epochs;
  }

  round(auditor: Address, epoch: number): Round {
    const round = this.rounds.get(`${auditor}/${epoch}`);
    if (round === undefined) throw new Error(`${auditor} never committed to epoch ${epoch}`);
    return round;
  }

  /** The tally of a shard; it stands until a reveal for the same ring entry takes its place. */
  tally(shard: number, epoch: number): ShardTally {
    const forgotten = this.tallies.has(`${shard}/${epoch + RING}`);
    const tally = forgotten ? undefined : this.tallies.get(`${shard}/${epoch}`);
    return tally ?? new ShardTally();
  }

  /** The verdict on a service in an epoch; undefined without a quorum, or where it was not active. */
  verdict(number: bigint, epoch: number): number | undefined {
    const { slot, active } = this.#registry.service(number);
    if (!active.at(epoch) || !this.#epochs.recorded.has(epoch)) return undefined;
    const place = slot.at(epoch) - 1;
    return this.tally(Math.floor(place / LANES), epoch).verdict(place % LANES);
  }

  commit(from: Address, auditor: Address, epoch: number, commitment: Hex): void {
    const about = { epoch, party: auditor };
    const { operator } = this.#auditors.auditor(auditor);
    const stake = this.#auditors.countedStake(auditor, epoch);
    this.#books.require("commit: by the operator", operator === from, about);
    this.#books.require("commit: in its epoch", epoch === this.#books.now.epoch, about);
    this.#books.require("commit: enrolled", stake > 0n, about);
    this.#books.require("commit: once", !this.rounds.has(`${auditor}/${epoch}`), about);
    this.rounds.set(`${auditor}/${epoch}`, {
      commitment,
      revealed: 0,
      chunks: 0,
      shards: [],
      y: undefined,
      claimed: new Set(),
      reported: false,
    });
    this.#books.emit("proofOfService", "Committed", { auditor, epoch });
  }

  reveal(chunk: Chunk): void {
    const { auditor, epoch, index } = chunk;
    const about = { epoch, party: auditor };
    const round = this.round(auditor, epoch);
    this.#books.require("reveal: in the next epoch", this.#books.now.epoch === epoch + 1, about);
    this.#books.require("reveal: chunks in order", index === round.revealed, about);
    this.#books.require("reveal: the commitment", this.opens(chunk, round), about);
    this.#books.require("reveal: the hash chain", this.#walks(chunk), about);
    round.y = drawOf(this.#epochs.recorded.get(epoch)!.seed, chunk.secret, auditor);
    round.revealed += 1;
    round.chunks = chunk.count;
    let votes = 0;
    for (const word of this.drawn(chunk, round.y)) {
      const named = { epoch, party: `${auditor}, shard ${word.shard}` };
      this.#books.require("reveal: drawn for the shard", word.weight > 0, named);
      const slots = word.votes.map(({ lane }) => word.shard * LANES + lane + 1);
      const inactive = slots.filter((slot) => !this.#registry.holderOf(slot, epoch));
      this.#books.figures.check(
        { what: "reveal: votes on inactive lanes", ...named },
        0,
        inactive.length,
      );
      const tally = this.tally(word.shard, epoch);
      tally.add(word.votes, word.weight);
      this.tallies.set(`${word.shard}/${epoch}`, tally);
      votes += word.votes.length;
      round.shards.push(word.shard);
    }
    this.#books.emit("proofOfService", "Revealed", { auditor, epoch, index, votes });
  }

  /** For each revealed round, the shards that its auditor was drawn for, and those that it revealed. */
  draws(): Draw[] {
    return [...this.rounds].flatMap(([key, { y, shards }]) => {
      if (y === undefined) return [];
      const [auditor, text] = key.split("/") as [Address, string];
      const epoch = Number(text);
      const stake = this.#auditors.countedStake(auditor, epoch);
      const total = this.#auditors.enrolledStake(epoch);
      const drawn = this.#registry
        .shardsIn(epoch)
        .filter((shard) => weightOf(stake, total, ticketOf(y, shard)) > 0);
      return [{ auditor, epoch, drawn, revealed: shards }];
    });
  }

  /** Whether a chunk belongs to a round: its own hash is where it should be, and all lead to the commitment. */
  opens(chunk: Chunk, round: Round): boolean {
    const upper = (word: Hex) => BigInt(word) >> 12n;
    return (
      chunk.hashes.length === chunk.count &&
      chunk.hashes[chunk.index] === chunkHash(chunk) &&
      upper(commitmentOf(chunk)) === upper(round.commitment)
    );
  }

  /** The words of a chunk, each with the weight with which its shard was drawn. */
  drawn({ auditor, epoch, base, words }: Chunk, y: Hex): DrawnWord[] {
    const stake = this.#auditors.countedStake(auditor, epoch);
    const total = this.#auditors.enrolledStake(epoch);
    return words.map((word) => {
      const { offset, votes } = readWord(word);
      const shard = base + offset;
      return { shard, votes, weight: weightOf(stake, total, ticketOf(y, shard)) };
    });
  }

  /** From the secret to the element shown last, or to the tip that serves the epoch. */
  #walks({ auditor, epoch, secret }: Chunk): boolean {
    const who = this.#auditors.auditor(auditor);
    const serving = who.tips.findLast(({ since }) => since <= epoch);
    if (serving === undefined) return false;
    const { tip, since } = serving;
    const steps = epoch - (since - 1);
    const last = this.#lastShown(who, since);
    who.shown = { element: secret, epoch };
    return epoch - last <= MAX_STEPS && leadsTo(secret, steps, tip);
  }

  #lastShown({ shown }: Auditor, since: number): number {
    return shown !== undefined && shown.epoch >= since ? shown.epoch : since - 1;
  }
}

/** What `auditorOf` shows of the newest element: 24 bytes. */
export function shownElement({ shown }: Auditor): { element: Hex; epoch: number } | undefined {
  return shown && { element: kept(shown.element), epoch: shown.epoch };
}
