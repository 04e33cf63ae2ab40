import type { Hex } from "viem";

/** Identifies a payment. For `exact`: token, payer, nonce; for `blockcloud-tab`: tab, payer, request ID. */
export interface PaymentKey {
  readonly asset: string;
  readonly payer: string;
  readonly nonce: Hex;
}

/** Names a payment in memory. */
export function nameOf({ asset, payer, nonce }: PaymentKey): string {
  return `${asset} ${payer} ${nonce}`;
}
