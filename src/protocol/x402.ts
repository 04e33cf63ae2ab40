import { isAddress, isHex, type Address, type Hex } from "viem";
import * as z from "zod";
import { BlockcloudError } from "./errors.ts";
import type { TransferAuthorization } from "./transferAuthorization.ts";

/** The version of x402 that this speaks. */
export const X402_VERSION = 2;
/** The scheme that pays by a tab of the Cashier. */
export const TAB_SCHEME = "blockcloud-tab";
/** The scheme that pays by an EIP-3009 transfer of an exact amount. */
export const EXACT_SCHEME = "exact";

/** Header fields, as they are written. */
export const PAYMENT_FIELDS = {
  required: "PAYMENT-REQUIRED",
  signature: "PAYMENT-SIGNATURE",
  response: "PAYMENT-RESPONSE",
} as const;
/** The client's field, as node:http names it. */
export const PAYMENT_HEADER = "payment-signature";

/** One way to pay for a resource. Amounts are atomic units of the asset, in decimal. */
export interface PaymentRequirements {
  scheme: string;
  /** CAIP-2: `eip155:<chain ID>`. */
  network: string;
  amount: string;
  asset: Address;
  payTo: Address;
  maxTimeoutSeconds: number;
  extra: Record<string, unknown>;
}

/** The content of `PAYMENT-REQUIRED`. */
export interface PaymentRequired {
  x402Version: 2;
  error: string;
  resource: { url: string };
  accepts: PaymentRequirements[];
  extensions: Record<string, never>;
}

/** The content of `PAYMENT-SIGNATURE`. */
export interface PaymentPayload {
  x402Version: 2;
  /** The chosen requirements, as the client returns them. */
  accepted: PaymentRequirements;
  payload: Record<string, unknown>;
}

/** The content of `PAYMENT-RESPONSE`. */
export interface PaymentResponse {
  success: boolean;
  errorReason?: string;
  payer?: string;
  /** Hash of the transaction; empty for a payment by tab. */
  transaction: string;
  network: string;
  amount?: string;
  extra?: Record<string, unknown>;
}

/** The payload of the scheme `exact`. */
export interface ExactPayload {
  signature: Hex;
  authorization: TransferAuthorization;
}

/** The deepest nesting of a header's JSON; a quote with its price has 4. */
const MAX_DEPTH = 16;

const address = z
  .string()
  .refine((text): text is Address => isAddress(text, { strict: false }), "must be an address");
const hex = (bytes: number) =>
  z
    .string()
    .refine(
      (text): text is Hex => isHex(text) && text.length === 2 + 2 * bytes,
      `must be 0x and ${2 * bytes} hexadecimal digits`,
    );
const decimal = (digits: number) =>
  z
    .string()
    .max(digits)
    .regex(/^(0|[1-9]\d*)$/, "must be a decimal number")
    .transform(BigInt);
/** Signatures of contracts may be longer than those of keys. */
const signature = z
  .string()
  .max(2 + 2 * 2_048)
  .refine((text): text is Hex => isHex(text) && text.length % 2 === 0, "must be hexadecimal");
const paymentSchema = z.object({
  x402Version: z.literal(X402_VERSION),
  accepted: z.object({
    scheme: z.string().max(64),
    network: z.string().max(64),
    amount: z.string().max(78),
    asset: address,
    payTo: address,
    maxTimeoutSeconds: z.number(),
    extra: z.record(z.string(), z.unknown()),
  }),
  payload: z.record(z.string(), z.unknown()),
});

const exactSchema = z.object({
  signature,
  authorization: z.object({
    from: address,
    to: address,
    value: decimal(78),
    validAfter: decimal(20),
    validBefore: decimal(20),
    nonce: hex(32),
  }),
});

/**
 * Reads `PAYMENT-SIGNATURE`.
 *
 * @returns The payment, with `accepted` exactly as the client sent it.
 * @throws BlockcloudError `PAYMENT_MALFORMED`.
 */
export function decodePayment(header: string): PaymentPayload {
  const json = decodeField(header);
  read(paymentSchema, json, "PAYMENT-SIGNATURE");
  return json as PaymentPayload;
}

/** @throws BlockcloudError `PAYMENT_MALFORMED`. */
export function readExactPayload(payload: unknown): ExactPayload {
  return read(exactSchema, payload, "payload");
}

/** A value for JSON, with amounts in decimal; the inverse of {@link readExactPayload}. */
export function toText(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? String(each) : each)),
  ) as unknown;
}

/** The content of a header field: base64 of JSON. */
export function encodeField(content: unknown): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(JSON.stringify(content))) {
    binary += String.fromCharCode(byte);
  }
  return btoa(binary);
}

/** @throws BlockcloudError `PAYMENT_MALFORMED`. */
export function decodeField(text: string): unknown {
  try {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new Error("not base64");
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
    const content = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
    if (!isShallow(content, MAX_DEPTH)) throw new Error("nested too deeply");
    return content;
  } catch (cause) {
    throw malformed("The field is not base64 of JSON.", cause);
  }
}

/** Recursion over the content then needs little stack. */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((each) => isShallow(each, depth - 1));
}

/** The network of a chain in CAIP-2. */
export function networkOfChain(chainId: number): string {
  return `eip155:${chainId}`;
}

function read<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw malformed(`${name} is malformed:\n${z.prettifyError(parsed.error)}`);
}

function malformed(message: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("PAYMENT_MALFORMED", message, {
    cause,
    remedy: "Send the header that an x402 client of version 2 makes for one of the offers.",
  });
}
