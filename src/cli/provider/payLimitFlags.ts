import type { PayLimits } from "../../sal/pay/limits.ts";
import { text, type Values } from "../framework/flag.ts";
import { duration, wholeNumber } from "../framework/values.ts";

const MEBIBYTE = 1024 * 1024;
const rate = wholeNumber(1, 1_000_000);
const count = wholeNumber(1, 10_000_000);

/** Limits of payments in the SAL. */
export const payLimitFlags = {
  payTime: text(
    "--pay-time <time>",
    "how long a client of the SAL that owes two tranches may take to pay, until its flows end",
    duration,
    { config: "provider.payTime", default: "10s" },
  ),
  payVoucherRate: text(
    "--pay-voucher-rate <vouchers>",
    "vouchers of one address that are verified a second, and 4 times as many at once",
    rate,
    { config: "provider.payVoucherRate", default: "100" },
  ),
  payTabRate: text(
    "--pay-tab-rate <tabs>",
    "tabs that one address may present a second, and 10 times as many at once",
    rate,
    { config: "provider.payTabRate", default: "10" },
  ),
  payOpenings: text(
    "--pay-openings <count>",
    "tabs that are checked on chain at a time",
    wholeNumber(1, 10_000),
    { config: "provider.payOpenings", default: "64" },
  ),
  payLargestTranche: text(
    "--pay-largest-tranche <mebibytes>",
    "largest part of the use that is paid at once, MiB; it grows with the rate that was paid",
    wholeNumber(1, 1_048_576),
    { config: "provider.payLargestTranche", default: "256" },
  ),
  payTabs: text(
    "--pay-tabs <count>",
    "tabs that are held; when they are full, unused ones make room",
    count,
    { config: "provider.payTabs", default: "20000" },
  ),
  payTabsPayer: text("--pay-tabs-payer <count>", "of them, those of one payer", count, {
    config: "provider.payTabsPayer",
    default: "16",
  }),
  payKept: text(
    "--pay-kept <count>",
    "payments over HTTP that are kept, so that none counts twice",
    count,
    { config: "provider.payKept", default: "200000" },
  ),
  payKeptPayer: text("--pay-kept-payer <count>", "of them, those of one payer", count, {
    config: "provider.payKeptPayer",
    default: "100000",
  }),
};

/** The limits that {@link payLimitFlags} give. */
export function payLimitsOf(flags: Values<typeof payLimitFlags>): PayLimits {
  return {
    graceMs: flags.payTime,
    vouchersPerSecond: flags.payVoucherRate,
    voucherBurst: 4 * flags.payVoucherRate,
    tabsPerSecond: flags.payTabRate,
    tabBurst: 10 * flags.payTabRate,
    maxOpenings: flags.payOpenings,
    maxTrancheBytes: flags.payLargestTranche * MEBIBYTE,
  };
}
