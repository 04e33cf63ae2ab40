import { costOf, type Price } from "../../../cashier/price.ts";

/** What a request with an answer costs. A price by time is for flows of the SAL. */
export function priceOf(price: Price, bytes: number): bigint {
  return costOf(price, { bytes, requests: 1, milliseconds: 0 });
}
