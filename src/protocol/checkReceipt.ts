import { isAddressEqual, type Address, type Hex } from "viem";
import { BlockcloudError } from "./errors.ts";
import type { ReceiptSigner, SignedReceipt } from "./receipt.ts";

/** The values that a client expects in a receipt. */
export interface ExpectedReceipt {
  serviceId: Hex;
  /** The nonce that was sent. */
  nonce: Hex;
  /** The hash of request and response: over HTTP, `httpChannel`. */
  channel: Hex;
  /** The key that signs for the service: a root service's on chain, or the one in a sub-service's ID. */
  key: Address;
  /** Unix milliseconds, `to` excluded; without it any time is accepted. */
  issuedWithin?: { from: number; to: number };
}

/** The error codes for a receipt. */
export const receiptErrors = {
  /** The response has no receipt. */
  missing: "RECEIPT_MISSING",
  /** The header is not an encoded receipt. */
  malformed: "RECEIPT_MALFORMED",
  /** It is of another service. */
  service: "RECEIPT_SERVICE",
  /** It is for another nonce: it may be an old receipt. */
  nonce: "RECEIPT_NONCE",
  /** It is bound to another request or response. */
  channel: "RECEIPT_CHANNEL",
  /** Its time is outside the expected range. */
  time: "RECEIPT_TIME",
  /** Another key signed it, or none. */
  key: "RECEIPT_KEY",
} as const;

/**
 * Checks that a receipt proves a response: service, nonce, channel, date and signer.
 *
 * @throws BlockcloudError `RECEIPT_SERVICE`, `RECEIPT_NONCE`, `RECEIPT_CHANNEL`, `RECEIPT_TIME` or
 *   `RECEIPT_KEY`, for the first check that fails.
 * @example
 * const receipt = decodeReceipt(response.headers.get("service-receipt") ?? "");
 * const signer = new ReceiptSigner(blockcloudDomain(11155111n, registry));
 * checkReceipt(receipt, { serviceId, nonce, channel, key }, signer);
 */
export function checkReceipt(
  receipt: SignedReceipt,
  expected: ExpectedReceipt,
  signer: ReceiptSigner,
): void {
  const { serviceId, nonce, channel, key, issuedWithin } = expected;
  if (receipt.serviceId !== serviceId.toLowerCase()) {
    throw wrong("service", `is of service ${receipt.serviceId}`);
  }
  if (receipt.nonce !== nonce.toLowerCase()) {
    throw wrong("nonce", `answers another nonce, ${receipt.nonce}`);
  }
  if (receipt.channel !== channel) {
    throw wrong("channel", "is bound to another request or response");
  }
  const { issuedAt } = receipt;
  if (
    issuedWithin !== undefined &&
    (issuedAt < BigInt(Math.ceil(issuedWithin.from)) ||
      issuedAt >= BigInt(Math.ceil(issuedWithin.to)))
  ) {
    throw wrong("time", `is dated ${issuedAt} ms, outside the time expected`);
  }
  const by = signer.recover(receipt);
  if (by === undefined || !isAddressEqual(by, key)) {
    throw wrong("key", `is signed by ${by ?? "no key"}, not by ${key}`);
  }
}

function wrong(what: keyof typeof receiptErrors, why: string): BlockcloudError {
  return new BlockcloudError(receiptErrors[what], `The receipt ${why}.`, {
    remedy: "Do not rely on the response: it does not come from the service.",
  });
}
