/** Pay of services and suspension (docs/protocol.md, sections 3.8 and 3.10). */
import type { Books } from "./books.ts";
import type { Epochs } from "./epochs.ts";
import { least, type Pool } from "./pool.ts";
import type { Registry } from "./registry.ts";
import type { Rounds } from "./rounds.ts";
import { PAY_PERCENT } from "./tally.ts";
import { CARRY_EPOCHS, DOWN_EPOCHS, DOWN_FRESH_EPOCHS } from "./terms.ts";

/** Final epochs of which the ring still knows everything. */
const PAYABLE_EPOCHS = 254;

export class Settlement {
  /** The last epoch that was paid or passed over, by service. */
  readonly settledThrough = new Map<bigint, number>();
  readonly #books: Books;
  readonly #registry: Registry;
  readonly #epochs: Epochs;
  readonly #rounds: Rounds;
  readonly #pool: Pool;

  constructor(
    books: Books,
    parts: { registry: Registry; epochs: Epochs; rounds: Rounds; pool: Pool },
  ) {
    this.#books = books;
    this.#registry = parts.registry;
    this.#epochs = parts.epochs;
    this.#rounds = parts.rounds;
    this.#pool = parts.pool;
  }

  settle(number: bigint, upTo: number): void {
    const { now } = this.#books;
    const service = this.#registry.service(number);
    const about = { epoch: upTo, party: `service ${number}` };
    this.#books.require("settle: final", upTo + 2 <= now.epoch, about);
    const last = Math.min(upTo, this.#epochs.newestSeed);
    const settled = this.settledThrough.get(number) ?? service.firstEpoch - 1;
    const known = now.epoch - 2 - PAYABLE_EPOCHS;
    let reward = 0n;
    for (let epoch = Math.max(settled, known) + 1; epoch <= last; epoch++) {
      reward += this.#settleEpoch(number, epoch);
    }
    if (last > settled) this.settledThrough.set(number, last);
    if (reward > 0n) this.#pool.payProvider(this.#registry.payee(service), reward);
  }

  suspend(number: bigint, lastEpoch: number): void {
    const { epoch: current } = this.#books.now;
    const about = { epoch: lastEpoch, party: `service ${number}` };
    const final = lastEpoch + 2 <= current;
    this.#books.require(
      "suspend: final and fresh",
      final && current - lastEpoch - 2 <= DOWN_FRESH_EPOCHS,
      about,
    );
    const run = Array.from({ length: DOWN_EPOCHS }, (_, index) => lastEpoch - index);
    const down = run.every((epoch) => this.#rounds.verdict(number, epoch) === 0);
    this.#books.require("suspend: FAILED in each epoch", down, about);
    const since = this.#registry.service(number).reinstatedSince;
    this.#books.require("suspend: none before its reinstatement", run.at(-1)! >= since, about);
    this.#books.emit("settlement", "Suspended", { number, lastEpoch });
    this.#registry.suspend(number);
  }

  /** What an epoch pays a service; where no verdict stands, nothing, and without an event. */
  #settleEpoch(number: bigint, epoch: number): bigint {
    const entry = this.#epochs.recorded.get(epoch);
    if (entry === undefined || !this.#registry.service(number).active.at(epoch)) return 0n;
    const grade = this.#gradeOf(number, epoch);
    if (grade === undefined) return 0n;
    const { budget, activeStake } = entry;
    const stake = this.#epochs.countedStake(number, epoch);
    const pay = (budget.providers * stake * PAY_PERCENT[grade]!) / (activeStake * 100n);
    const reward = least(pay, budget.providersLeft);
    budget.providersLeft -= reward;
    this.#books.emit("settlement", "Settled", { number, epoch, grade, reward });
    return reward;
  }

  /** The verdict of the epoch, or the newest one of the epochs before in its place. */
  #gradeOf(number: bigint, epoch: number): number | undefined {
    for (let back = 0; back <= CARRY_EPOCHS; back++) {
      const verdict = this.#rounds.verdict(number, epoch - back);
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }
}
