import type { Hex } from "viem";
import type { ChainTime } from "../../chain/clock.ts";
import { epochAt } from "../../protocol/epoch.ts";
import { DUE_AFTER, voucherPay, type Redemption } from "../../protocol/voucher.ts";
import { cashierError } from "../errors.ts";
import type { CollectorChain } from "./chain.ts";
import type { CollectedTab } from "./tab.ts";

/** A grade is taken while a verdict of this number of epochs reaches it. */
const RECENT_EPOCHS = 4;

export interface GradeRules {
  service: Hex;
  /** The highest grade that is taken; 0: none. */
  highestGrade: number;
  /** The most that may wait for its verdicts, of all payers together, BLOC in wei. */
  gradedCap: bigint;
}

/**
 * Decides which graded vouchers the collector takes. They are unpaid until their verdicts are final, so their sum is
 * bounded, and none is taken for a grade that the service does not reach.
 */
export class Grades {
  readonly #rules: GradeRules;
  readonly #chain: CollectorChain;
  readonly #time: Pick<ChainTime, "now" | "timing">;
  readonly #waiting = new Map<CollectedTab, bigint>();
  #total = 0n;
  /** The best recent verdict, and the epoch in which it was read. */
  #best: { epoch: number; grade: number } | undefined;

  constructor(rules: GradeRules, chain: CollectorChain, time: Pick<ChainTime, "now" | "timing">) {
    this.#rules = rules;
    this.#chain = chain;
    this.#time = time;
  }

  /** What waits for its verdicts, BLOC in wei. */
  get waiting(): bigint {
    return this.#total;
  }

  /** Reads the recent verdicts if they were not read in this epoch, and counts again what waits for its own. */
  async refresh(): Promise<void> {
    const { service, highestGrade } = this.#rules;
    const epoch = this.#epoch();
    if (highestGrade === 0 || this.#best?.epoch === epoch) return;
    const epochs = Array.from({ length: RECENT_EPOCHS }, (_, index) => epoch - 1 - index);
    const verdicts = await Promise.all(
      epochs.filter((each) => each > 0).map((each) => this.#chain.verdictOf(service, each)),
    );
    this.#best = { epoch, grade: Math.max(0, ...verdicts.map((verdict) => verdict ?? 0)) };
    for (const tab of [...this.#waiting.keys()]) this.update(tab);
  }

  /** Counts a tab's graded vouchers that wait for their verdicts. */
  update(tab: CollectedTab): void {
    const sum = this.#sum(tab.vouchers, tab.redeemed);
    this.#total += sum - (this.#waiting.get(tab) ?? 0n);
    if (sum === 0n) this.#waiting.delete(tab);
    else this.#waiting.set(tab, sum);
  }

  /** @throws BlockcloudError `CASHIER_GRADE`. */
  admit(tab: CollectedTab, item: Redemption): void {
    const { minGrade, epoch } = item.voucher;
    if (minGrade === 0) return;
    const { highestGrade, gradedCap } = this.#rules;
    if (minGrade > highestGrade)
      throw cashierError("grade", `Grades up to ${highestGrade} are taken, not ${minGrade}.`);
    // An epoch late is recent enough: the verdicts of this one are read with the next round.
    const best = this.#best;
    if (best === undefined || best.epoch < this.#epoch() - 1 || best.grade < minGrade) {
      throw cashierError(
        "grade",
        `No verdict of the last ${RECENT_EPOCHS} epochs reaches the grade ${minGrade}.`,
      );
    }
    const others = this.#total - (this.#waiting.get(tab) ?? 0n);
    const held = tab.vouchers.filter(({ voucher }) => voucher.epoch !== epoch);
    const sum = others + this.#sum([...held, item], tab.redeemed);
    if (sum > gradedCap) {
      throw cashierError(
        "grade",
        `${sum} wei would wait for their verdicts, and ${gradedCap} are allowed.`,
      );
    }
  }

  /** In the order of epochs, as they will be redeemed. */
  #sum(vouchers: readonly Redemption[], redeemed: bigint): bigint {
    const current = this.#epoch();
    let reached = redeemed;
    let sum = 0n;
    for (const { voucher } of vouchers) {
      if (voucher.cumulative <= reached) continue;
      const isWaiting = voucher.minGrade > 0 && voucher.epoch + DUE_AFTER > current;
      if (isWaiting) sum += voucherPay(voucher, reached).amount;
      reached = voucher.cumulative;
    }
    return sum;
  }

  #epoch(): number {
    return epochAt(this.#time.timing, this.#time.now());
  }
}
