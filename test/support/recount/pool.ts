/** The reward pool and its two reserves (docs/protocol.md, section 3.8). */
import type { Address } from "viem";
import type { Books } from "./books.ts";
import { BLOC, YEAR_SECONDS } from "./terms.ts";

const BUDGET_PER_SECOND = (500_000_000n * BLOC) / YEAR_SECONDS;
const TICK_BOUNTY = BLOC;
const PROVIDERS_PERCENT = 60n;
const AUDITORS_YIELDS = 4n;
const CONTRIBUTION_EPOCHS = 168n;

/** What is to be spent for an epoch. */
export interface Budget {
  providers: bigint;
  auditors: bigint;
  /** The part of the auditors' budget that was contributed. */
  contributed: bigint;
  providersLeft: bigint;
  auditorsLeft: bigint;
}

export class Pool {
  contributions = 0n;
  reservedForAuditors = 0n;
  reservedForProviders = 0n;
  readonly #books: Books;

  constructor(books: Books) {
    this.#books = books;
  }

  contribute(from: Address, amount: bigint): void {
    this.#books.ledger.move(from, this.#books.contracts.rewardPool, amount);
    this.contributions += amount;
    this.#books.emit("rewardPool", "Contributed", { from, amount });
  }

  /** Reserves an epoch's budgets and pays the tick's bounty. */
  open(epoch: number, active: bigint, enrolled: bigint, ticker: Address): Budget {
    const { ledger, contracts, terms } = this.#books;
    const seconds = BigInt(terms.epochSeconds);
    const yieldOf = (stake: bigint) =>
      (stake * terms.yieldPercent * seconds) / (100n * YEAR_SECONDS);
    const free =
      ledger.balanceOf(contracts.rewardPool) -
      this.reservedForAuditors -
      this.reservedForProviders -
      this.contributions;
    const bounty = least(TICK_BOUNTY, free);
    const budget = least(BUDGET_PER_SECOND * seconds, free - bounty, yieldOf(active));
    const providers = (budget * PROVIDERS_PERCENT) / 100n;
    const bothSides = active > 0n && enrolled > 0n;
    const contributed = bothSides ? this.contributions / CONTRIBUTION_EPOCHS : 0n;
    const emitted = least(budget - providers, AUDITORS_YIELDS * yieldOf(enrolled));
    const auditors = emitted + contributed;
    this.contributions -= contributed;
    this.reservedForAuditors += auditors;
    this.reservedForProviders += providers;
    this.#books.emit("rewardPool", "Reserved", { epoch, providers, auditors, contributed, bounty });
    if (bounty > 0n) this.#pay(ticker, bounty);
    return { providers, auditors, contributed, providersLeft: providers, auditorsLeft: auditors };
  }

  /** Gives back what auditors did not earn of a budget; emission was spent first. */
  releaseAuditors({ auditorsLeft, contributed }: Budget): void {
    this.reservedForAuditors -= auditorsLeft;
    this.contributions += least(auditorsLeft, contributed);
  }

  /** Gives back what services did not earn of a budget. */
  releaseProviders({ providersLeft }: Budget): void {
    this.reservedForProviders -= providersLeft;
  }

  payAuditor(to: Address, amount: bigint): void {
    this.reservedForAuditors -= amount;
    this.#pay(to, amount);
  }

  payProvider(to: Address, amount: bigint): void {
    this.reservedForProviders -= amount;
    this.#pay(to, amount);
  }

  #pay(to: Address, amount: bigint): void {
    this.#books.ledger.move(this.#books.contracts.rewardPool, to, amount);
    this.#books.emit("rewardPool", "Paid", { to, amount });
  }
}

export function least(...values: readonly bigint[]): bigint {
  return values.reduce((least, value) => (value < least ? value : least));
}
