import type { Hex } from "viem";
import * as z from "zod";
import type { BlockcloudError } from "../protocol/errors.ts";
import type { Redemption } from "../protocol/voucher.ts";
import { cashierError } from "./errors.ts";
import { address, amount, word } from "./fields.ts";
import type { Quote } from "./quote.ts";
import type { TabOpening } from "./tabs.ts";

/** The JSON forms of quotes, openings and vouchers: amounts are decimal text, because they exceed JSON's numbers. */

/** The longest signature of a payer's contract, bytes. */
const SIGNATURE_BYTES = 4_096;
const MAX_UINT40 = 2 ** 40 - 1;
const MAX_UINT32 = 2 ** 32 - 1;
const HIGHEST_GRADE = 3;
/** The largest tranche of a quote, bytes. */
const MAX_TRANCHE_BYTES = 2 ** 40;

const seconds = z.number().int().min(0).max(MAX_UINT40);
const grade = z.number().int().min(0).max(HIGHEST_GRADE);

const quoteSchema = z.strictObject({
  chainId: z.number().int().positive(),
  cashier: address,
  service: word,
  collector: address,
  salt: word,
  price: z.strictObject({ perByte: amount, perRequest: amount, perSecond: amount }),
  leastLimit: amount,
  highestGrade: grade,
  gradedCap: amount,
  trancheBytes: z.number().int().positive().max(MAX_TRANCHE_BYTES),
});

const openingSchema = z.strictObject({
  authorization: z.strictObject({
    payer: address,
    service: word,
    tab: word,
    signer: address,
    limit: amount,
    openBy: seconds,
    expiresAt: seconds,
  }),
  signature: z
    .string()
    .regex(/^0x([0-9a-f]{2})*$/)
    .max(2 + 2 * SIGNATURE_BYTES)
    .transform((text) => text as Hex),
  salt: word,
});

const redemptionSchema = z.strictObject({
  voucher: z.strictObject({
    payer: address,
    service: word,
    tab: word,
    cumulative: amount,
    base: amount,
    minGrade: grade,
    epoch: z.number().int().min(0).max(MAX_UINT32),
  }),
  salt: word,
  v: z.number().int().min(27).max(28),
  r: word,
  s: word,
});

/** A quote, an opening or a voucher as a JSON value. */
export function toJson(value: Quote | TabOpening | Redemption): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, field: unknown) =>
      typeof field === "bigint" ? field.toString() : field,
    ),
  );
}

/**
 * Reads a quote of {@link toJson}.
 *
 * @throws BlockcloudError `CASHIER_MESSAGE`.
 */
export function quoteFromJson(json: unknown): Quote {
  return read("quote", quoteSchema, json);
}

/**
 * Reads an opening of {@link toJson}.
 *
 * @throws BlockcloudError `CASHIER_MESSAGE`.
 */
export function openingFromJson(json: unknown): TabOpening {
  return read("tab authorization", openingSchema, json);
}

/**
 * Reads a voucher of {@link toJson}.
 *
 * @throws BlockcloudError `CASHIER_MESSAGE`.
 */
export function redemptionFromJson(json: unknown): Redemption {
  return read("voucher", redemptionSchema, json);
}

function read<T>(what: string, schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw malformed(what, parsed.error);
}

/** Names the first wrong field, never its value, which may be long. */
function malformed(what: string, error: z.ZodError): BlockcloudError {
  const field = error.issues[0]?.path.map(String).join(".").slice(0, 80) ?? "";
  return cashierError("message", `Not a ${what}: ${field === "" ? "its form" : field} is wrong.`);
}
