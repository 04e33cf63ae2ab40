import type { Address } from "viem";
import type { TokenPrice } from "../../../cashier/tokenPrice.ts";

/** A token with EIP-3009 in which requests are paid, and the price in it. */
export interface ExactAsset extends TokenPrice {
  address: Address;
  /** Name and version of its EIP-712 domain. */
  name: string;
  version: string;
  /** What one whole token is worth, wei of ether; only for settlement in this process. */
  weiPerToken: bigint;
  decimals: number;
}

/** Bytes in the unit of a price. */
const MEGABYTE = 1_000_000n;
/** What an answer costs, atomic units; a part of a unit counts as a whole one, in favour of the provider. */
export function amountFor({ perRequest, perMegabyte }: TokenPrice, bytes: number): bigint {
  const sum = perMegabyte * BigInt(bytes);
  return perRequest + (sum + MEGABYTE - 1n) / MEGABYTE;
}
