import { salError } from "../errors.ts";
import { MAX_GRACE_MS } from "./quoteFrame.ts";

/** Limits of a provider that is paid in its sessions; each has a default. A peer is an IPv4 address or an IPv6 /64. */
export interface PayLimits {
  /** How long a full window may stay unpaid before the flows end, milliseconds. A session without a link has longer. */
  graceMs?: number;
  /** Vouchers of one peer that are verified in a second, and how many at once. A newer voucher replaces one that waits. */
  vouchersPerSecond?: number;
  voucherBurst?: number;
  /** Tabs that one peer may open in a second, and how many at once: each costs calls of the chain. */
  tabsPerSecond?: number;
  tabBurst?: number;
  /** Tabs that are being opened, of all peers. */
  maxOpenings?: number;
  /** The largest tranche, bytes; a tranche grows with the rate that was paid. */
  maxTrancheBytes?: number;
  /** Peers whose rates are tracked. */
  maxPeers?: number;
}

export type PayLimitValues = Readonly<Required<PayLimits>>;

const DEFAULTS: PayLimitValues = {
  graceMs: 10_000,
  vouchersPerSecond: 100,
  voucherBurst: 400,
  tabsPerSecond: 10,
  tabBurst: 100,
  maxOpenings: 64,
  maxTrancheBytes: 256 * 1024 * 1024,
  maxPeers: 10_000,
};

/** @throws BlockcloudError `SAL_OPTIONS`. */
export function payLimits(limits: PayLimits): PayLimitValues {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  const values = { ...DEFAULTS, ...(Object.fromEntries(given) as PayLimits) };
  for (const [name, value] of Object.entries(values)) {
    const most = name === "graceMs" ? MAX_GRACE_MS : Number.MAX_SAFE_INTEGER;
    const least = name.endsWith("PerSecond") ? Number.MIN_VALUE : 1;
    if (value >= least && value <= most) continue;
    throw salError(
      "options",
      `${name} is ${String(value)}, not a number from ${least} to ${most}.`,
    );
  }
  return values;
}
