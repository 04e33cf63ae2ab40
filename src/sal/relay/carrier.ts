import { createHmac, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { salError } from "../errors.ts";
import { decodePlace, encodePlace, TOKEN_BYTES, type Place } from "./frames.ts";

/**
 * The beginning of a connection that a provider opens to its relay for a visitor, before the visitor's own bytes
 * (docs/sal.md). It is not encrypted: the token works once, and the visitor's address has a MAC.
 */

/** First byte of such a connection; one of TLS begins with 0x16. */
export const CARRIER_BYTE = 0x01;
/** Length of what the provider begins with. */
export const PREFACE_BYTES = 1 + TOKEN_BYTES;
/** Exporter label of the MAC's key. */
export const VISITOR_LABEL = "EXPORTER-blockcloud-sal-relay-visitor";

/** What the relay says over a connection that waits; the provider answers a ping with the same byte. */
export const CARRIER_PING = 0x01;
const CARRIER_VISITOR = 0x02;

const MAC_BYTES = 16;
/** Of `CARRIER_VISITOR` up to the place's text: type, MAC, port, length. */
const FIXED_BYTES = 1 + MAC_BYTES + 3;

export function encodePreface(token: Buffer): Buffer {
  return Buffer.concat([Buffer.of(CARRIER_BYTE), token]);
}

/** What comes before a visitor's first byte. */
export function encodeVisitor(token: Buffer, visitor: Place, key: Buffer): Buffer {
  const place = encodePlace(visitor);
  return Buffer.concat([Buffer.of(CARRIER_VISITOR), mac(token, place, key), place]);
}

/**
 * Reads what the relay has sent so far over a connection that waits.
 *
 * @returns How many pings came first; and, if a visitor is there, its address and the bytes that it has sent.
 * @throws BlockcloudError `SAL_PROTOCOL`.
 */
export function readCarrier(
  bytes: Buffer,
  token: Buffer,
  key: Buffer,
): { pings: number; visitor?: Place; rest: Buffer } {
  let pings = 0;
  while (bytes[pings] === CARRIER_PING) pings += 1;
  const rest = bytes.subarray(pings);
  if (rest.length > 0 && rest[0] !== CARRIER_VISITOR) {
    throw salError("protocol", `The relay sent ${rest[0]} over a connection that waits.`);
  }
  const size = FIXED_BYTES + (rest[FIXED_BYTES - 1] ?? 0);
  if (rest.length < FIXED_BYTES || rest.length < size) return { pings, rest };
  const place = rest.subarray(1 + MAC_BYTES, size);
  if (!timingSafeEqual(mac(token, place, key), rest.subarray(1, 1 + MAC_BYTES))) {
    throw salError("protocol", "A visitor's address was not sent by the relay.");
  }
  const visitor = decodePlace(place);
  if (isIP(visitor.address) === 0) {
    throw salError("protocol", "The relay sent no address of a visitor.");
  }
  return { pings, visitor, rest: rest.subarray(size) };
}

function mac(token: Buffer, place: Buffer, key: Buffer): Buffer {
  const digest = createHmac("sha256", key).update(token).update(place).digest();
  return digest.subarray(0, MAC_BYTES);
}
