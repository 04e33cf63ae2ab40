import type { Hex } from "viem";
import * as z from "zod";
import type { Redemption } from "../protocol/voucher.ts";
import { cashierError } from "./errors.ts";
import { openingFromJson, quoteFromJson, redemptionFromJson, toJson } from "./json.ts";
import type { Quote } from "./quote.ts";
import type { TabOpening } from "./tabs.ts";

/** A payment by tab for one HTTP request: the payload of the x402 scheme `blockcloud-tab`. */
export interface TabPayment {
  /** Opens the tab, or raises it; left out for a tab that the collector knows. */
  opening: TabOpening | undefined;
  voucher: Redemption;
  /** 32 random bytes; the collector charges each once. */
  requestId: Hex;
}

/** The state of a tab, which the collector tells its payer. Amounts are cumulative, BLOC in wei. */
export interface TabState {
  tab: Hex;
  /** What the collector counts as due. */
  charged: bigint;
  /** What vouchers cover. */
  cumulative: bigint;
  /** The newest voucher, with the payer's own signature; undefined before the first one. */
  last: Redemption | undefined;
}

const decimal = z.string().regex(/^(0|[1-9]\d{0,28})$/);
const word = z.string().regex(/^0x[0-9a-f]{64}$/);
const paymentSchema = z.strictObject({
  authorization: z.unknown().optional(),
  voucher: z.unknown(),
  requestId: word,
});
const stateSchema = z.object({
  tab: word,
  charged: decimal,
  cumulative: decimal,
  voucher: z.unknown().optional(),
});
const offerSchema = z.object({ tab: word, minimum: decimal, quote: z.unknown() });

/** The payload of a payment. */
export function encodeTabPayment({ opening, voucher, requestId }: TabPayment) {
  return {
    ...(opening !== undefined && { authorization: toJson(opening) }),
    voucher: toJson(voucher),
    requestId,
  };
}

/** @throws BlockcloudError `CASHIER_MESSAGE`. */
export function decodeTabPayment(json: unknown): TabPayment {
  const { authorization, voucher, requestId } = read("payment by tab", paymentSchema, json);
  return {
    opening: authorization === undefined ? undefined : openingFromJson(authorization),
    voucher: redemptionFromJson(voucher),
    requestId: requestId as Hex,
  };
}

/** `extra` of an offer: the tab that a payer without one can open, and its terms. */
export function encodeTabOffer(quote: Quote, state: TabState) {
  const { cashier, service, collector, leastLimit } = quote;
  return {
    ...{ cashier, service, collector, minimum: String(leastLimit) },
    ...encodeTabState(state),
    quote: toJson(quote),
  };
}

/** @throws BlockcloudError `CASHIER_MESSAGE`. */
export function decodeTabOffer(extra: unknown): { quote: Quote; state: TabState } {
  const { quote } = read("offer of a tab", offerSchema, extra);
  return { quote: quoteFromJson(quote), state: decodeTabState(extra) };
}

/** The state of a tab in `extra` of an offer or of a `PAYMENT-RESPONSE`. */
export function encodeTabState({ tab, charged, cumulative, last }: TabState) {
  return {
    tab,
    charged: String(charged),
    cumulative: String(cumulative),
    ...(last !== undefined && { voucher: toJson(last) }),
  };
}

/** @throws BlockcloudError `CASHIER_MESSAGE`. */
export function decodeTabState(extra: unknown): TabState {
  const { tab, charged, cumulative, voucher } = read("state of a tab", stateSchema, extra);
  return {
    tab: tab as Hex,
    charged: BigInt(charged),
    cumulative: BigInt(cumulative),
    last: voucher === undefined ? undefined : redemptionFromJson(voucher),
  };
}

function read<T>(what: string, schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.map(String).join(".").slice(0, 80) ?? "";
  throw cashierError("message", `Not a ${what}: ${field === "" ? "its form" : field} is wrong.`);
}
