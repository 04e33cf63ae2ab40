/** Seeds and budgets of epochs (docs/protocol.md, sections 3.2 and 3.8). */
import { fromRlp, keccak256, type Address, type Hex } from "viem";
import type { Auditors } from "./auditors.ts";
import type { Books } from "./books.ts";
import { seedOf } from "./hashes.ts";
import { least, type Budget, type Pool } from "./pool.ts";
import type { RawBlock } from "./record.ts";
import type { Registry } from "./registry.ts";
import type { ServiceStakes } from "./serviceStakes.ts";
import { RING, SEED_EPOCHS } from "./terms.ts";

/** An epoch whose seed was recorded. */
export interface Epoch {
  epoch: number;
  seed: Hex;
  previous: number;
  recordedAt: number;
  budget: Budget;
  activeStake: bigint;
  enrolledStake: bigint;
  activeServices: number;
}

/** Places of fields in a block's header. */
const PARENT_HASH = 0;
const TIMESTAMP = 11;
const PREVRANDAO = 13;

export class Epochs {
  /** Those with a seed, in the order in which the seeds were recorded. */
  readonly recorded = new Map<number, Epoch>();
  newestSeed = 0;
  readonly #books: Books;
  readonly #registry: Registry;
  readonly #stakes: ServiceStakes;
  readonly #auditors: Auditors;
  readonly #pool: Pool;

  constructor(
    books: Books,
    parts: { registry: Registry; stakes: ServiceStakes; auditors: Auditors; pool: Pool },
  ) {
    this.#books = books;
    this.#registry = parts.registry;
    this.#stakes = parts.stakes;
    this.#auditors = parts.auditors;
    this.#pool = parts.pool;
  }

  /** The first epoch from `first` on that has a seed. */
  firstFrom(first: number): Epoch | undefined {
    return [...this.recorded.values()].find(({ epoch }) => epoch >= first);
  }

  /** The epoch whose seed draws the question of a challenge; undefined where there is none. */
  askedIn(openedIn: number): Epoch | undefined {
    const first = this.firstFrom(openedIn + 1);
    const end = this.#books.epochStart(openedIn + SEED_EPOCHS + 1);
    return first && first.epoch <= openedIn + SEED_EPOCHS && first.recordedAt < end
      ? first
      : undefined;
  }

  /** What a service's stake counts for: up to the most that its class pays for. */
  countedStake(number: bigint, epoch: number): bigint {
    const { classId } = this.#registry.service(number);
    const { maximumStake } = this.#books.terms.classes[classId]!;
    return least(this.#stakes.at(number, epoch), maximumStake);
  }

  tick(from: Address, firstHeader: Hex, parentHeader: Hex): void {
    const { record, contracts, now } = this.#books;
    const header = fromRlp(firstHeader, "hex") as Hex[];
    const parent = fromRlp(parentHeader, "hex") as Hex[];
    const epoch = this.#books.epochAt(Number(header[TIMESTAMP]!));
    // A second tick does nothing, nor does one of epoch 0, which never gets a seed.
    if (epoch === 0 || this.recorded.has(epoch)) return;
    // The recount looks for the block itself; what the caller proved must be the same one.
    const first = this.#firstBlock(epoch);
    const about = { epoch };
    this.#books.figures.check(
      { what: "hash of the first block", ...about },
      first.hash,
      keccak256(firstHeader),
    );
    this.#books.figures.check(
      { what: "hash of its parent", ...about },
      header[PARENT_HASH],
      keccak256(parentHeader),
    );
    this.#books.figures.check(
      { what: "prevrandao of the first block", ...about },
      first.prevrandao,
      BigInt(header[PREVRANDAO]!),
    );
    const before = Number(parent[TIMESTAMP]!) < this.#books.epochStart(epoch);
    this.#books.require("tick: the parent is of an earlier epoch", before, about);

    const active = this.#registry.activeIn(epoch);
    const activeStake = active.reduce(
      (sum, { number }) => sum + this.countedStake(number, epoch),
      0n,
    );
    const enrolledStake = this.#auditors.enrolledStake(epoch);
    const replaced = [...this.recorded.values()].findLast(
      (each) => (epoch - each.epoch) % RING === 0,
    );
    // The auditors' part is in the pool again before the new budgets are made, the providers' part after.
    if (replaced !== undefined) this.#pool.releaseAuditors(replaced.budget);
    const entry = {
      epoch,
      seed: seedOf(first.prevrandao, epoch, record.chainId, contracts.proofOfService),
      previous: this.newestSeed,
      recordedAt: now.time,
      budget: this.#pool.open(epoch, activeStake, enrolledStake, from),
      activeStake,
      enrolledStake,
      activeServices: active.length,
    };
    if (replaced !== undefined) this.#pool.releaseProviders(replaced.budget);
    this.recorded.set(epoch, entry);
    this.newestSeed = epoch;
    this.#books.emit("proofOfService", "Ticked", {
      epoch,
      seed: entry.seed,
      providersBudget: entry.budget.providers,
      auditorsBudget: entry.budget.auditors,
      activeStake,
      enrolledStake,
      activeServices: active.length,
    });
  }

  #firstBlock(epoch: number): RawBlock {
    const start = this.#books.epochStart(epoch);
    const first = this.#books.record.blocks.find(({ timestamp }) => timestamp >= start);
    if (first === undefined) throw new Error(`no block of epoch ${epoch} was read`);
    return first;
  }
}
