import * as z from "zod";
import { parsePrice } from "../../cashier/price.ts";
import { parseTokenPrice } from "../../cashier/tokenPrice.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ExactAsset } from "../../provider/gateway/pay/pricing.ts";
import type { PaySettings } from "../../provider/pay/settings.ts";
import { document, text, type Values } from "../framework/flag.ts";
import { payLimitFlags, payLimitsOf } from "./payLimitFlags.ts";
import type { Resolved } from "../framework/resolve.ts";
import type { Problems } from "../framework/settings.ts";
import {
  address,
  blocAmount,
  duration,
  etherAmount,
  httpUrl,
  refine,
  wholeNumber,
} from "../framework/values.ts";

const MEBIBYTE = 1024 * 1024;

const price = refine((given) => {
  try {
    return parsePrice(given);
  } catch (error) {
    if (error instanceof BlockcloudError) return undefined;
    throw error;
  }
}, "Give amounts of BLOC with their units, for example 0.002/MB|0.0001/request|0.01/hour.");

const coinSchema = z.strictObject({
  address: address,
  name: z.string().min(1).max(64),
  version: z.string().min(1).max(16),
  decimals: z.number().int().min(0).max(18),
  /** `0.001/request|0.01/MB`, in whole tokens. */
  price: z.string().max(200),
  /** Ether that one token is worth, to settle in this process. */
  ether: etherAmount.optional(),
});

/** A stablecoin from its JSON; undefined if that is not one. */
export function coinOf(given: string): ExactAsset | undefined {
  let json: unknown;
  try {
    json = JSON.parse(given);
  } catch {
    // The message says what is expected.
    return undefined;
  }
  const parsed = coinSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { price: asked, ether = 0n, ...token } = parsed.data;
  try {
    return { ...token, ...parseTokenPrice(asked, token.decimals), weiPerToken: ether };
  } catch (error) {
    if (error instanceof BlockcloudError) return undefined;
    throw error;
  }
}

const coin = refine(
  coinOf,
  'Give JSON: {"address","name","version","decimals","price":"0.001/request|0.01/MB","ether"}.',
);

/** Flags of a service that its users pay. */
export const payFlags = {
  price: text(
    "--price <price>",
    "what the service costs, in BLOC: 0.002/MB|0.0001/request|0.01/hour (default: nothing)",
    price,
    { env: "BLOCKCLOUD_PRICE", config: "provider.price" },
  ),
  blocPrice: text(
    "--bloc-price <eth>",
    "ether that one BLOC is worth to you: vouchers are redeemed when they are worth their gas",
    etherAmount,
    { env: "BLOCKCLOUD_BLOC_PRICE", config: "blocPrice" },
  ),
  exposure: text(
    "--exposure <bloc>",
    "most that one payer may owe before its tab is opened on chain (default: 16 MiB of use)",
    blocAmount,
    { config: "provider.exposure" },
  ),
  totalExposure: text(
    "--total-exposure <bloc>",
    "the same for all payers together (default: 100 times as much)",
    blocAmount,
    { config: "provider.totalExposure" },
  ),
  leastLimit: text(
    "--least-limit <bloc>",
    "least limit of a payer's tab (default: 100 MiB of use)",
    blocAmount,
    { config: "provider.leastLimit" },
  ),
  highestGrade: text(
    "--highest-grade <grade>",
    "highest grade that users may ask for; they pay only for epochs that reach it: 0 to 3",
    wholeNumber(0, 3),
    { config: "provider.highestGrade", default: "0" },
  ),
  gradedCap: text(
    "--graded-cap <bloc>",
    "with --highest-grade: most that may wait for its verdicts",
    blocAmount,
    { config: "provider.gradedCap", default: "0" },
  ),
  freeRequests: text(
    "--free-requests <count>",
    "requests that each address gets unpaid in an epoch; auditors need 3",
    wholeNumber(3, 1_000_000),
    { config: "provider.freeRequests", default: "3" },
  ),
  freeMemory: text(
    "--free-mebibytes <count>",
    "MiB that each address gets unpaid in an epoch; auditors need 4",
    wholeNumber(4, 1_048_576),
    { config: "provider.freeMebibytes", default: "4" },
  ),
  redeemEvery: text(
    "--redeem-every <time>",
    "how often vouchers are looked at that may be worth redeeming",
    duration,
    { config: "provider.redeemEvery", default: "1m" },
  ),
  ...payLimitFlags,
  payTo: text(
    "--pay-to <address>",
    "account that x402 transfers go to (default: the wallet's)",
    address,
    { config: "provider.payTo" },
  ),
  coin: document(
    "--coin <json>",
    "a stablecoin that HTTP clients may pay with, as JSON, or @ and a file (docs/cashier.md)",
    coin,
    { config: "provider.coin" },
  ),
  facilitator: text(
    "--facilitator <url>",
    "x402 facilitator that settles transfers (default: this process)",
    httpUrl,
    { config: "provider.facilitator" },
  ),
};

/** Checks that the other flags stand beside `--price`, which needs the price of a BLOC. */
export function checkPay({ values, found }: Resolved, problems: Problems): void {
  const isPriced = values.price !== undefined;
  if (isPriced && values.blocPrice === undefined) {
    problems.add(`${found.price?.source ?? "--price"}: give --bloc-price, too.`);
  }
  for (const [name, flag] of Object.entries(payFlags)) {
    const source = found[name]?.source;
    const isShared = name === "price" || name === "blocPrice";
    if (isPriced || isShared || source === undefined || source === "default") continue;
    problems.add(
      `${source}: it is for a service with a price. Give --price, or leave out ${flag.syntax}.`,
    );
  }
  if (found.totalExposure !== undefined && found.exposure === undefined)
    problems.add(`${found.totalExposure.source}: give --exposure, too.`);
  if (Number(values.highestGrade) > 0 && values.gradedCap === 0n)
    problems.add(`${found.highestGrade?.source ?? "--highest-grade"}: give --graded-cap, too.`);
}

/** The settings that {@link payFlags} give; undefined for a service without a price. */
export function paySettings(
  flags: Values<typeof payFlags>,
  allowLoopback: boolean,
): PaySettings | undefined {
  const { price: asked, exposure, totalExposure, blocPrice } = flags;
  if (asked === undefined || blocPrice === undefined) return undefined;
  const { leastLimit, highestGrade, gradedCap, payTo, coin: token, facilitator } = flags;
  return {
    price: asked,
    blocPriceWei: blocPrice,
    ...(exposure !== undefined && {
      exposure: { payer: exposure, total: totalExposure ?? 100n * exposure },
    }),
    ...{ leastLimit, highestGrade, gradedCap, payTo, coin: token, facilitator, allowLoopback },
    allowance: { requests: flags.freeRequests, bytes: flags.freeMemory * MEBIBYTE },
    limits: payLimitsOf(flags),
    tabs: { all: flags.payTabs, payer: flags.payTabsPayer },
    maxPayments: flags.payKept,
    maxPaymentsPerPayer: flags.payKeptPayer,
    redeemMs: flags.redeemEvery,
  };
}
