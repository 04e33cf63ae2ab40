import type { Address } from "viem";
import { BlockcloudError } from "../../../protocol/errors.ts";

/** A token with EIP-3009 in which requests are paid, and the price in it. */
export interface ExactAsset {
  address: Address;
  /** Name and version of its EIP-712 domain. */
  name: string;
  version: string;
  /** Atomic units. */
  perRequest: bigint;
  /** Atomic units for 10^6 bytes of the answer's body. */
  perMegabyte: bigint;
  /** What one whole token is worth, wei of ether; only for settlement in this process. */
  weiPerToken: bigint;
  decimals: number;
}

/** Bytes in the unit of a price. */
const MEGABYTE = 1_000_000n;
const LONGEST_TEXT = 200;

/** What an answer costs, atomic units; a part of a unit counts as a whole one, in favour of the provider. */
export function amountFor(
  { perRequest, perMegabyte }: Pick<ExactAsset, "perRequest" | "perMegabyte">,
  bytes: number,
): bigint {
  const sum = perMegabyte * BigInt(bytes);
  return perRequest + (sum + MEGABYTE - 1n) / MEGABYTE;
}

/**
 * Parses a price in a token: amounts with their unit, `request` or `MB`.
 *
 * @param decimals Of the token; each amount must be a whole number of its atomic units.
 * @example
 * parseTokenPrice("0.001/request|0.01/MB", 6);
 * @throws BlockcloudError `PRICE_INVALID`.
 */
export function parseTokenPrice(
  text: string,
  decimals: number,
): Pick<ExactAsset, "perRequest" | "perMegabyte"> {
  const found = new Map<string, bigint>();
  for (const item of text.slice(0, LONGEST_TEXT).split("|")) {
    const [, whole = "", fraction = "", unit = ""] =
      /^\s*(\d{1,12})(?:\.(\d{1,18}))?\/(request|MB)\s*$/.exec(item) ?? [];
    if (whole === "" || found.has(unit) || fraction.length > decimals) {
      throw new BlockcloudError(
        "PRICE_INVALID",
        `"${item}" is no amount with at most ${decimals} digits after the point.`,
        { remedy: "Give amounts with their units, for example 0.001/request|0.01/MB." },
      );
    }
    found.set(unit, BigInt(whole + fraction.padEnd(decimals, "0")));
  }
  return { perRequest: found.get("request") ?? 0n, perMegabyte: found.get("MB") ?? 0n };
}
