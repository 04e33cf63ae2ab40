import type { Address } from "viem";
import { readExactPayload, toText, type PaymentRequirements } from "../../../protocol/x402.ts";
import type { ExactPayment } from "./facilitator.ts";

/** A payment as text for the store. */
export function exactText({ asset, payload, accepted, resource }: ExactPayment): string {
  return JSON.stringify({ asset, payload: toText(payload), accepted, resource });
}

/** The inverse of {@link exactText}. */
export function readExactPayment(text: string): ExactPayment {
  const { asset, payload, accepted, resource } = JSON.parse(text) as {
    asset: Address;
    payload: unknown;
    accepted: PaymentRequirements;
    resource: string;
  };
  return { asset, payload: readExactPayload(payload), accepted, resource };
}
