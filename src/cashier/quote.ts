import type { Address, Hex } from "viem";
import { costOf, type Price } from "./price.ts";

/**
 * The terms of a collector for a payer. They have no signature: in the SAL they come in a proven session, over HTTP
 * with a MAC.
 */
export interface Quote {
  chainId: number;
  cashier: Address;
  /** ID of the root service that is paid. */
  service: Hex;
  collector: Address;
  /** A tab of this quote has the ID `tabOf(collector, salt)`. */
  salt: Hex;
  price: Price;
  /** The least limit of a new tab, BLOC in wei. */
  leastLimit: bigint;
  /** The highest `minGrade` of vouchers that the collector takes; 0: none. */
  highestGrade: number;
  /** The most that may wait for its verdicts in graded vouchers, of all payers together, BLOC in wei. */
  gradedCap: bigint;
  /** The least tranche, bytes. */
  trancheBytes: number;
}

/** The default of `trancheBytes`: 1 MiB. */
export const LEAST_TRANCHE_BYTES = 1_048_576;
/** Beside its bytes a tranche has this number of requests, and this time of flows. */
const TRANCHE = { requests: 16, milliseconds: 1000 };
/** Tranches that may be open between both sides: the most that either can lose. */
export const WINDOW_TRANCHES = 2n;
/** Hexadecimal digits of a salt that name the collector's books, "0x" included. */
const BOOKS_DIGITS = 2 + 40;

/** What a tranche costs, BLOC in wei. */
export function trancheCost(quote: Pick<Quote, "price" | "trancheBytes">): bigint {
  return costOf(quote.price, { bytes: quote.trancheBytes, ...TRANCHE });
}

/**
 * The collector's books that a salt belongs to: its first 20 bytes. Replicas of a service may share a collector's
 * address without sharing its books; each knows the tabs of its own books only.
 */
export function booksOf(salt: Hex): string {
  return salt.slice(0, BOOKS_DIGITS).toLowerCase();
}
