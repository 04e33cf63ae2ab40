import type { Address, Hex } from "viem";
import type { ExactPayload, PaymentRequirements } from "../../../protocol/x402.ts";
import type { ExactAsset } from "./pricing.ts";

/** A payment of the scheme `exact` that is to be settled. */
export interface ExactPayment {
  readonly asset: Address;
  readonly payload: ExactPayload;
  /** What the client accepted. */
  readonly accepted: PaymentRequirements;
  /** URL of the resource without its query. */
  readonly resource: string;
}

/** What a facilitator says about a settlement; the chain decides. */
export type Settled =
  | { readonly transaction: Hex }
  /** It says that it failed. */
  | { readonly failed: string }
  /** Nothing was sent and nothing will be: only a facilitator in this process can know. */
  | { readonly unsent: string };

/** Executes authorizations. */
export interface Facilitator {
  /** Whether it has to be asked before the request runs: it is not in this process. */
  readonly isRemote: boolean;
  /** Whether it takes a payment now. */
  takes(asset: ExactAsset, amount: bigint): Promise<boolean>;
  /** @returns Why the payment is invalid; undefined if it is valid. */
  verify(payment: ExactPayment): Promise<string | undefined>;
  settle(payment: ExactPayment): Promise<Settled>;
}
