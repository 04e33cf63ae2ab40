import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { decodeBase64Url } from "../../../protocol/base64url.ts";
import type { PaymentRequirements } from "../../../protocol/x402.ts";

/** Bytes of the parts of a token. */
const RANDOM = 16;
const EXPIRY = 6;
const MAC = 32;

/** The request that an offer is for. */
export interface OfferedRequest {
  method: string;
  /** Path and query. */
  target: string;
}

/** The state of an offer that a client has returned. */
export type OfferState = { readonly expiresAt: number } | "expired" | "foreign";

/**
 * Makes offers, and knows them again without storing them. The token of an offer is 16 random bytes, its expiry, and
 * a MAC over both, the request and all other fields of the offer. So an offer holds until it expires, at its own
 * price, whatever the price is by then. All gateways with the service's key know each other's offers.
 *
 * The random bytes make each payment's header unpredictable: the transfer that it contains is public once it is
 * settled, the token never.
 */
export class Offers {
  readonly #key: Uint8Array;
  readonly #seconds: number;
  readonly #now: () => number;

  /**
   * @param serviceKey The service's key; the key of the MAC is derived from it.
   * @param seconds How long an offer holds.
   * @param now The chain's time, Unix seconds.
   */
  constructor(serviceKey: Uint8Array, seconds: number, now: () => number) {
    this.#key = new Uint8Array(hkdfSync("sha256", serviceKey, "", "blockcloud x402 offers", 32));
    this.#seconds = seconds;
    this.#now = now;
  }

  /** Adds the token to an offer. */
  seal(offer: PaymentRequirements, request: OfferedRequest): PaymentRequirements {
    const token = Buffer.alloc(RANDOM + EXPIRY);
    randomBytes(RANDOM).copy(token);
    token.writeUIntBE(Math.floor(this.#now()) + this.#seconds, RANDOM, EXPIRY);
    const mac = this.#mac(token, offer, request);
    return {
      ...offer,
      extra: { ...offer.extra, offer: Buffer.concat([token, mac]).toString("base64url") },
    };
  }

  /** Whether an offer is one of ours for this request, equal in every field, and still holds. */
  check(accepted: PaymentRequirements, request: OfferedRequest): OfferState {
    const { offer: token, ...extra } = accepted.extra;
    const bytes = typeof token === "string" ? decodeBase64Url(token) : undefined;
    if (bytes?.length !== RANDOM + EXPIRY + MAC) return "foreign";
    const open = Buffer.from(bytes.subarray(0, RANDOM + EXPIRY));
    const mac = this.#mac(open, { ...accepted, extra }, request);
    if (!timingSafeEqual(mac, bytes.subarray(RANDOM + EXPIRY))) return "foreign";
    const expiresAt = open.readUIntBE(RANDOM, EXPIRY);
    return expiresAt < this.#now() ? "expired" : { expiresAt };
  }

  #mac(token: Buffer, offer: PaymentRequirements, { method, target }: OfferedRequest): Buffer {
    const text = JSON.stringify([method, target, sorted(offer)]);
    return createHmac("sha256", this.#key).update(token).update(text).digest();
  }
}

/** A value whose JSON does not depend on the order in which a client wrote the fields. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => [name, sorted(each)]);
}
