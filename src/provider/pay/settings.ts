import type { Address } from "viem";
import type { AllowanceOptions } from "../../cashier/allowance.ts";
import type { ExposureLimits } from "../../cashier/collector/exposure.ts";
import type { TabBounds } from "../../cashier/collector/tabTable.ts";
import type { Price } from "../../cashier/price.ts";
import type { PayLimits } from "../../sal/pay/limits.ts";
import type { ExactAsset } from "../gateway/pay/pricing.ts";

/** How a service is paid. All fields after `blocPriceWei` have a default. */
export interface PaySettings {
  price: Price;
  /** Wei of ether that one BLOC is worth: vouchers are redeemed when they are worth their gas. */
  blocPriceWei: bigint;
  /** What may be unsecured of one payer and in all, BLOC in wei. */
  exposure?: ExposureLimits | undefined;
  /** The most tabs that are held, in all and of one payer. */
  tabs?: Partial<TabBounds> | undefined;
  /** Payments over HTTP that are kept, in all and of one payer. */
  maxPayments?: number | undefined;
  maxPaymentsPerPayer?: number | undefined;
  /** The least limit of a tab, BLOC in wei. */
  leastLimit?: bigint | undefined;
  /** The highest grade that vouchers may ask for; default 0: none. */
  highestGrade?: number | undefined;
  /** The most that may wait for its verdicts, BLOC in wei. */
  gradedCap?: bigint | undefined;
  /** What each peer gets without payment in an epoch. */
  allowance?: AllowanceOptions | undefined;
  /** Limits of payments in the SAL. */
  limits?: PayLimits | undefined;
  /** Pause between two looks at what is to be redeemed, milliseconds. */
  redeemMs?: number | undefined;
  /** Receives transfers over HTTP; default: the account that sends the transactions. */
  payTo?: Address | undefined;
  /** A stablecoin in which HTTP requests can be paid, too. */
  coin?: ExactAsset | undefined;
  /** Settles transfers over HTTP; default: this process. */
  facilitator?: URL | undefined;
  /** Payments over plain HTTP from this host, for a devnet. */
  allowLoopback?: boolean | undefined;
}
