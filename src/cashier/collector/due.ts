import { RING } from "../../protocol/epoch.ts";
import { DUE_AFTER, REDEMPTION_S, voucherPay, type Redemption } from "../../protocol/voucher.ts";
import type { CollectorChain } from "./chain.ts";
import type { CollectedTab } from "./tab.ts";

/** Epochs after which a graded voucher is redeemed although it is worth little: half of the ring. */
const LATE_EPOCHS = RING / 2;
/** A tab is redeemed although it is worth little when no more of its time of redemption is left, seconds. */
const LATE_S = REDEMPTION_S / 4;

/** What a tab would pay now. */
export interface Due {
  tab: CollectedTab;
  /** In the order of their redemption. */
  items: readonly Redemption[];
  /** BLOC in wei, before the fee. */
  income: bigint;
  /** Vouchers that can never be redeemed. */
  lost: ReadonlySet<Redemption>;
  /** Whether waiting may lose it. */
  isUrgent: boolean;
}

/** The moment of a look at the tabs. */
export interface DueMoment {
  /** Unix seconds, of the newest block. */
  now: number;
  epoch: number;
}

/**
 * What of a tab is payable now, in order: a voucher that waits for its verdicts holds those of later epochs back,
 * because redeeming them first would void it.
 *
 * @param gradeOf Reads the grade that counts for an epoch.
 */
export async function dueOf(
  tab: CollectedTab,
  moment: DueMoment,
  gradeOf: CollectorChain["gradeOf"],
): Promise<Due> {
  const items: Redemption[] = [];
  const lost = new Set<Redemption>();
  let reached = tab.redeemed;
  let income = 0n;
  let isLate = false;
  for (const item of tab.vouchers) {
    const { voucher } = item;
    if (voucher.cumulative <= reached) continue;
    if (voucher.minGrade > 0) {
      if (moment.epoch < voucher.epoch + DUE_AFTER) break;
      if (!(await isReached(item, moment.epoch, gradeOf))) {
        lost.add(item);
        continue;
      }
      isLate ||= moment.epoch >= voucher.epoch + LATE_EPOCHS;
    }
    items.push(item);
    income += voucherPay(voucher, reached).amount;
    reached = voucher.cumulative;
  }
  const until = tab.view?.redeemableUntil ?? 0;
  return { tab, items, income, lost, isUrgent: isLate || moment.now > until - LATE_S };
}

async function isReached(
  { voucher }: Redemption,
  epoch: number,
  gradeOf: CollectorChain["gradeOf"],
): Promise<boolean> {
  if (epoch > voucher.epoch + RING - 1) return false;
  const grade = await gradeOf(voucher.service, voucher.epoch);
  return grade !== undefined && grade >= voucher.minGrade;
}
