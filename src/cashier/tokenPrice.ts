import { BlockcloudError } from "../protocol/errors.ts";

/** What HTTP requests cost in a token, atomic units. */
export interface TokenPrice {
  perRequest: bigint;
  /** For 10^6 bytes of the answer's body. */
  perMegabyte: bigint;
}

const LONGEST_TEXT = 200;

/**
 * Parses a price in a token: amounts with their unit, `request` or `MB`.
 *
 * @param decimals Of the token; each amount must be a whole number of its atomic units.
 * @example
 * parseTokenPrice("0.001/request|0.01/MB", 6);
 * @throws BlockcloudError `PRICE_INVALID`.
 */
export function parseTokenPrice(text: string, decimals: number): TokenPrice {
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
