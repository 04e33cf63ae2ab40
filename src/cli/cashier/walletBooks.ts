import type { Address, Hex } from "viem";
import type { Deployment } from "../../chain/deployment.ts";
import type { SignedRow } from "./statementRows.ts";

/** A tab in the books of a payer's wallet. BLOC in wei, times Unix seconds. */
export interface SignedTab {
  tab: Hex;
  service: Hex;
  limit: bigint;
  /** Of the newest voucher that may have been sent. */
  cumulative: bigint;
  expiresAt: number;
}

export function signedTabs(_state: string, _deployment: Deployment, _payer: Address): SignedTab[] {
  return [];
}

export function signedRows(
  _state: string,
  _deployment: Deployment,
  _payer: Address,
  _since: number | undefined,
): SignedRow[] {
  return [];
}
