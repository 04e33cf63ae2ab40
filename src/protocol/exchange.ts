import * as z from "zod";
import { decodeBase64Url } from "./base64url.ts";

/** Most bytes of an exchange, sent and expected together, with the random digits filled in. */
export const MAX_EXCHANGE_BYTES = 4096;
/** Stands for the random digits; the same ones in all places of an exchange. */
const PLACE = "{r}";
/** Number of hexadecimal digits that an auditor draws. */
export const RANDOM_DIGITS = 16;
/** The port at which every service offers its gateway, which speaks HTTP; the default. */
export const HTTP_PORT = 80;

/** Text, which is UTF-8, or any bytes as base64url. */
type Content = string | { base64url: string };
/** The bytes of an exchange as it is written. */
interface Written {
  send?: Content | undefined;
  expect: Content;
}

const base64Url = z
  .string()
  .refine((text) => decodeBase64Url(text) !== undefined, "must be base64url without padding");
const content = z
  .union([z.string(), z.object({ base64url: base64Url }).strict()])
  .refine((value) => bytesOf(value).length > 0, "must not be empty");

/** Bytes to send to a port of the service, and those that must come first in return. */
export const exchangeSchema = z
  .object({
    /** Port of the service in the SAL. */
    port: z.number().int().min(1).max(65_535).default(HTTP_PORT),
    /** Without it, the service must speak first. */
    send: content.optional(),
    expect: content,
  })
  .strict()
  .refine(
    ({ send, expect }) => !hasPlace(expect) || (send !== undefined && hasPlace(send)),
    `must send ${PLACE} if it expects it: the service cannot guess`,
  )
  .refine(
    (exchange) => sizeOf(exchange) <= MAX_EXCHANGE_BYTES,
    `must not have over ${MAX_EXCHANGE_BYTES} bytes with the digits filled in`,
  );

/** An exchange of bytes, in version 3. */
export type ExchangeProbe = z.infer<typeof exchangeSchema>;

/**
 * The bytes of an exchange.
 *
 * @param digits 16 hexadecimal digits, which replace `{r}`.
 */
export function fillExchange(
  { send, expect }: Written,
  digits: string,
): { send: Uint8Array; expect: Uint8Array } {
  return {
    send: send === undefined ? new Uint8Array() : fill(send, digits),
    expect: fill(expect, digits),
  };
}

/** Whether a service cannot have prepared the response: a static exchange shows only that something listens. */
export function isRandom({ send, expect }: Written): boolean {
  return send !== undefined && hasPlace(send) && hasPlace(expect);
}

function sizeOf(exchange: Written): number {
  const { send, expect } = fillExchange(exchange, "0".repeat(RANDOM_DIGITS));
  return send.length + expect.length;
}

function hasPlace(value: Content): boolean {
  return latin1(bytesOf(value)).includes(PLACE);
}

function fill(value: Content, digits: string): Uint8Array {
  const filled = latin1(bytesOf(value)).replaceAll(PLACE, digits);
  return Uint8Array.from(filled, (character) => character.charCodeAt(0));
}

function bytesOf(value: Content): Uint8Array {
  if (typeof value === "string") return new TextEncoder().encode(value);
  return decodeBase64Url(value.base64url) ?? new Uint8Array();
}

/** One character for each byte: the place is found in any bytes. */
function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
