import { formatEther, parseEther } from "viem";
import type { BlockcloudError } from "../protocol/errors.ts";
import { cashierError } from "./errors.ts";

/** What the use of a service costs, BLOC in wei. */
export interface Price {
  perByte: bigint;
  perRequest: bigint;
  perSecond: bigint;
}

/** The use of a service. Whole numbers; a part of a millisecond does not count. */
export interface Use {
  bytes: number;
  requests: number;
  milliseconds: number;
}

/** The largest amount in a contract's `uint96`, BLOC in wei. */
export const MAX_AMOUNT = (1n << 96n) - 1n;

/** Units of a price: the amount of which part of {@link Price}, and how many of its units they are. */
const UNITS: Readonly<Record<string, { part: keyof Price; count: bigint }>> = {
  byte: { part: "perByte", count: 1n },
  kB: { part: "perByte", count: 1_000n },
  MB: { part: "perByte", count: 1_000_000n },
  GB: { part: "perByte", count: 1_000_000_000n },
  request: { part: "perRequest", count: 1n },
  second: { part: "perSecond", count: 1n },
  minute: { part: "perSecond", count: 60n },
  hour: { part: "perSecond", count: 3_600n },
};
/** The units in which a price is printed. */
const PRINTED = { perByte: "MB", perRequest: "request", perSecond: "hour" } as const;
const LONGEST_TEXT = 200;

/**
 * Parses a price: amounts of BLOC, each with its unit. Bytes count in both directions; a MB has 10^6.
 *
 * An amount for bytes must be a whole number of wei for each byte. An amount for a time is rounded down to whole wei
 * for each second, in favour of the payer.
 *
 * @example
 * parsePrice("0.002/MB|0.0001/request|0.01/hour");
 * @throws BlockcloudError `PRICE_INVALID`.
 */
export function parsePrice(text: string): Price {
  const price: Price = { perByte: 0n, perRequest: 0n, perSecond: 0n };
  const seen = new Set<string>();
  if (text.length > LONGEST_TEXT) throw invalid(text, "it is too long");
  for (const item of text.split("|")) {
    const [, amount = "", name = ""] =
      /^\s*(\d{1,9}(?:\.\d{1,18})?)\/(\w{1,9})\s*$/.exec(item) ?? [];
    if (amount === "") throw invalid(text, `"${item}" is not an amount with a unit`);
    const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
    if (unit === undefined) throw invalid(text, `the unit "${name}" is unknown`);
    if (seen.has(unit.part)) throw invalid(text, `"${item}" is a second amount of the same kind`);
    seen.add(unit.part);
    price[unit.part] = partOf(text, item, parseEther(amount), unit);
  }
  return price;
}

/** A price as text that {@link parsePrice} reads back exactly. */
export function priceText(price: Price): string {
  const parts = Object.entries(PRINTED).flatMap(([part, unit]) => {
    const amount = price[part as keyof Price] * (UNITS[unit]?.count ?? 1n);
    return amount === 0n ? [] : [`${formatEther(amount)}/${unit}`];
  });
  return parts.length === 0 ? "0/MB" : parts.join("|");
}

/**
 * What a use costs, BLOC in wei. Times are rounded down to whole wei, in favour of the payer; so a caller that charges
 * step by step takes the cost of the whole use and subtracts what it has charged.
 */
export function costOf(price: Price, use: Use): bigint {
  const { bytes, requests, milliseconds } = use;
  return (
    price.perByte * BigInt(bytes) +
    price.perRequest * BigInt(requests) +
    (price.perSecond * BigInt(Math.floor(milliseconds))) / 1000n
  );
}

function partOf(
  text: string,
  item: string,
  amount: bigint,
  { part, count }: { part: keyof Price; count: bigint },
): bigint {
  const each = amount / count;
  if (part === "perByte" && amount % count !== 0n)
    throw invalid(text, `"${item}" is not a whole number of wei for each byte`);
  if (amount !== 0n && each === 0n)
    throw invalid(text, `"${item}" is less than one wei for each ${part.slice(3).toLowerCase()}`);
  if (each > MAX_AMOUNT) throw invalid(text, `"${item}" is larger than any tab`);
  return each;
}

function invalid(text: string, why: string): BlockcloudError {
  return cashierError("price", `Not a price: "${text.slice(0, LONGEST_TEXT)}": ${why}.`);
}
