import type { Address, Hex } from "viem";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { voucherSigner, type Redemption, type Voucher } from "../../protocol/voucher.ts";
import { cashierError } from "../errors.ts";

/** The tab that a voucher must fit. */
export interface VoucherFrame {
  payer: Address;
  service: Hex;
  tab: Hex;
  salt: Hex;
  signer: Address;
  /** BLOC in wei. */
  limit: bigint;
}

/** Epochs that a voucher may name now: clocks differ, and messages take time. */
export interface EpochWindow {
  earliest: number;
  latest: number;
}

/**
 * Checks a voucher that is above the newest one, as the contract will, and the rules that keep earlier vouchers
 * payable: a base above what the collector holds would void what lies between.
 *
 * @param newest The newest voucher of the tab.
 * @throws BlockcloudError `CASHIER_VOUCHER`, `CASHIER_BASE`, `CASHIER_GRADE`.
 */
export function checkVoucher(
  separator: Uint8Array,
  frame: VoucherFrame,
  newest: Voucher | undefined,
  item: Redemption,
  epochs: EpochWindow,
): void {
  const { voucher } = item;
  const { tab, limit } = frame;
  checkTab(frame, item);
  if (voucher.cumulative > limit)
    throw refused(tab, `${voucher.cumulative} wei are above the tab's limit, ${limit} wei`);
  if (voucher.base >= voucher.cumulative)
    throw refused(tab, `its base ${voucher.base} is not below its amount ${voucher.cumulative}`);
  checkEpoch(tab, voucher, newest, epochs);
  // Before what is refused to the payer only: with these errors it gets its newest voucher back.
  checkSigner(separator, frame, item);
  checkBase(tab, voucher, newest);
  const isRise = newest?.epoch === voucher.epoch && voucher.minGrade > newest.minGrade;
  // It would put an amount under a condition that the payer owed without it.
  if (isRise) {
    throw cashierError(
      "grade",
      `The grade of tab ${tab} rises from ${newest.minGrade} to ${voucher.minGrade} within epoch ${voucher.epoch}.`,
      { remedy: "Raise the grade with the first voucher of an epoch." },
    );
  }
}

/**
 * Checks that a voucher is one of the tab, and that the tab's signer has signed it.
 *
 * @throws BlockcloudError `CASHIER_VOUCHER`.
 */
export function checkSigner(separator: Uint8Array, frame: VoucherFrame, item: Redemption): void {
  const { tab, signer } = frame;
  checkTab(frame, item);
  const recovered = voucherSigner(separator, item);
  if (recovered !== signer)
    throw refused(tab, `${recovered ?? "no key"} signed it, and not ${signer}`);
}

/** Whether two vouchers are the same in every field, signature included. */
export function isSameVoucher(a: Redemption, b: Redemption): boolean {
  const [x, y] = [a.voucher, b.voucher];
  return (
    a.v === b.v &&
    a.r === b.r &&
    a.s === b.s &&
    a.salt === b.salt &&
    x.payer === y.payer &&
    x.service === y.service &&
    x.tab === y.tab &&
    x.cumulative === y.cumulative &&
    x.base === y.base &&
    x.minGrade === y.minGrade &&
    x.epoch === y.epoch
  );
}

function checkTab({ payer, service, tab, salt }: VoucherFrame, item: Redemption): void {
  const { voucher } = item;
  if (voucher.payer !== payer || voucher.service !== service || voucher.tab !== tab)
    throw refused(tab, `it is of tab ${voucher.tab} of ${voucher.payer} at ${voucher.service}`);
  if (item.salt !== salt) throw refused(tab, `its salt is ${item.salt}`);
}

function checkEpoch(
  tab: Hex,
  { epoch, minGrade }: Voucher,
  newest: Voucher | undefined,
  { earliest, latest }: EpochWindow,
): void {
  // Without a grade the epoch decides nothing, so a voucher may come late.
  const least = Math.max(minGrade === 0 ? 0 : earliest, newest?.epoch ?? 0);
  if (epoch < least || epoch > latest)
    throw refused(tab, `its epoch is ${epoch}, and ${least} to ${latest} are possible`);
}

function checkBase(tab: Hex, { base, epoch }: Voucher, newest: Voucher | undefined): void {
  const held = newest === undefined ? 0n : epoch > newest.epoch ? newest.cumulative : newest.base;
  if (base <= held) return;
  throw cashierError(
    "base",
    `A voucher of tab ${tab} begins at ${base} wei in epoch ${epoch}, and ${held} are possible.`,
  );
}

/**
 * The vouchers that are still needed beside a new one. A voucher without a grade pays all that lies above its base, so
 * those before it with no lower base are not needed; one of the same epoch takes the place of the one before.
 */
export function neededBeside(held: readonly Redemption[], { voucher }: Redemption): Redemption[] {
  return held.filter(
    ({ voucher: { base, epoch } }) =>
      epoch !== voucher.epoch && !(voucher.minGrade === 0 && voucher.base <= base),
  );
}

function refused(tab: Hex, why: string): BlockcloudError {
  return cashierError("voucher", `A voucher of tab ${tab} is refused: ${why}.`);
}
