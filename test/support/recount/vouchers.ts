/** What a voucher pays, and why it is refused (docs/protocol.md, section 11). */
import { zeroAddress, type Address } from "viem";
import type { Books } from "./books.ts";
import { numberOf, tabIdOf, voucherSigner, type Redemption } from "./cashierHashes.ts";
import { redeemableUntil, type CashierTabs, type Tab } from "./cashierTabs.ts";
import type { Registry } from "./registry.ts";
import type { Rounds } from "./rounds.ts";
import { DUE_AFTER, HIGHEST_GRADE, RING } from "./terms.ts";

/** An error of the contract, with its parameters. */
export interface Refusal {
  errorName: string;
  args: readonly (string | number | bigint)[];
}

/** A tab and what a voucher of it pays. */
export interface Payable {
  tab: Tab;
  amount: bigint;
  passed: bigint;
}

export class Vouchers {
  readonly #books: Books;
  readonly #tabs: CashierTabs;
  readonly #registry: Registry;
  readonly #rounds: Rounds;

  constructor(books: Books, tabs: CashierTabs, parts: { registry: Registry; rounds: Rounds }) {
    this.#books = books;
    this.#tabs = tabs;
    this.#registry = parts.registry;
    this.#rounds = parts.rounds;
  }

  /** What a redemption pays, or the first error of section 11's table that refuses it. */
  async judge(collector: Address, item: Redemption): Promise<Payable | Refusal> {
    const { voucher, salt } = item;
    const refused = (errorName: string, ...values: Refusal["args"]): Refusal => ({
      errorName,
      args: [voucher.tab, ...values],
    });
    if (voucher.tab !== tabIdOf(collector, salt)) {
      return refused("CashierNotCollector", collector, salt);
    }
    const { payer, service, cumulative, base } = voucher;
    const tab = this.#tabs.tab(payer, service, voucher.tab);
    if (tab === undefined) return refused("CashierTabUnknown", payer, service);
    if (tab.state === "closed") return refused("CashierTabDead", payer, service);
    const until = redeemableUntil(tab);
    const { time } = this.#books.now;
    if (time > until) return refused("CashierTabOver", until, time);
    const { limit, redeemed } = tab;
    if (cumulative > limit) return refused("CashierOverLimit", cumulative, limit);
    if (cumulative <= redeemed) return refused("CashierNotHigher", cumulative, redeemed);
    if (base >= cumulative) return refused("CashierBase", base, cumulative);
    const { record, contracts } = this.#books;
    const place = { chainId: record.chainId, cashier: contracts.cashier };
    const signer = await voucherSigner(place, item);
    if (signer === zeroAddress || signer !== tab.signer) {
      return refused("CashierVoucherSigner", signer, tab.signer);
    }
    const byGrade = this.#refusalByGrade(voucher);
    if (byGrade !== undefined) return refused(...byGrade);
    const from = base > redeemed ? base : redeemed;
    return { tab, amount: cumulative - from, passed: from - redeemed };
  }

  /** The grade that counts for an epoch, as far as the verdicts that are known say one. */
  grade(number: bigint, epoch: number): number | undefined {
    const verdicts = [epoch - 1, epoch, epoch + 1]
      .map((each) => this.#rounds.verdict(number, each))
      .filter((verdict) => verdict !== undefined)
      .sort((one, other) => one - other);
    // The middle one of three, the higher one of two.
    return verdicts[Math.floor(verdicts.length / 2)];
  }

  /** Whether the verdicts around an epoch are final and all in the ring. */
  isDecided(epoch: number, current: number): boolean {
    return current >= epoch + DUE_AFTER && current <= epoch + RING - 1;
  }

  #refusalByGrade({
    service,
    minGrade,
    epoch,
  }: Redemption["voucher"]): [string, ...Refusal["args"]] | undefined {
    if (minGrade === 0) return undefined;
    if (minGrade > HIGHEST_GRADE) return ["CashierGradeUnknown", minGrade, HIGHEST_GRADE];
    const { epoch: current } = this.#books.now;
    const [due, last] = [epoch + DUE_AFTER, epoch + RING - 1];
    if (current < due) return ["CashierNotDue", due, current];
    if (current > last) return ["CashierVerdictGone", last, current];
    const number = numberOf(service)!;
    if (!this.#registry.service(number).active.at(epoch)) {
      return ["CashierServiceInactive", service, epoch];
    }
    const grade = this.grade(number, epoch);
    if (grade === undefined) return ["CashierNoVerdict", service, epoch];
    return grade < minGrade ? ["CashierGradeMissed", grade, minGrade] : undefined;
  }
}
