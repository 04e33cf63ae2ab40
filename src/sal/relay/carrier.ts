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
/** Of `CARRIER_VISITOR` before its places. */
const FIXED_BYTES = 1 + MAC_BYTES;
/** Of a place before its text: port, length. */
const PLACE_BYTES = 3;

export function encodePreface(token: Buffer): Buffer {
  return Buffer.concat([Buffer.of(CARRIER_BYTE), token]);
}

/** Where the two connections that a relay joins come from, as it sees them. */
export interface Ends {
  visitor: Place;
  /** The provider's end of the connection that waited. */
  self: Place;
}

/** What comes before a visitor's first byte. */
export function encodeVisitor(token: Buffer, { visitor, self }: Ends, key: Buffer): Buffer {
  const places = Buffer.concat([encodePlace(visitor), encodePlace(self)]);
  return Buffer.concat([Buffer.of(CARRIER_VISITOR), mac(token, places, key), places]);
}

/**
 * Reads what the relay has sent so far over a connection that waits.
 *
 * @returns How many pings came first; and, if a visitor is there, the ends and the bytes that the visitor has sent.
 * @throws BlockcloudError `SAL_PROTOCOL`.
 */
export function readCarrier(
  bytes: Buffer,
  token: Buffer,
  key: Buffer,
): { pings: number; ends?: Ends; rest: Buffer } {
  let pings = 0;
  while (bytes[pings] === CARRIER_PING) pings += 1;
  const rest = bytes.subarray(pings);
  if (rest.length > 0 && rest[0] !== CARRIER_VISITOR) {
    throw salError("protocol", `The relay sent ${rest[0]} over a connection that waits.`);
  }
  const middle = placeEnd(rest, FIXED_BYTES);
  const end = placeEnd(rest, middle);
  if (rest.length < end) return { pings, rest };
  const places = rest.subarray(FIXED_BYTES, end);
  if (!timingSafeEqual(mac(token, places, key), rest.subarray(1, FIXED_BYTES))) {
    throw salError("protocol", "A visitor's address was not sent by the relay.");
  }
  const visitor = decodePlace(rest.subarray(FIXED_BYTES, middle));
  const self = decodePlace(rest.subarray(middle, end));
  if (isIP(visitor.address) === 0 || isIP(self.address) === 0) {
    throw salError("protocol", "The relay sent no address of a visitor.");
  }
  return { pings, ends: { visitor, self }, rest: rest.subarray(end) };
}

/** Position after a place; beyond what is there if that is not known. */
function placeEnd(bytes: Buffer, at: number): number {
  return at + PLACE_BYTES + (bytes[at + PLACE_BYTES - 1] ?? 0);
}

function mac(token: Buffer, places: Buffer, key: Buffer): Buffer {
  const digest = createHmac("sha256", key).update(token).update(places).digest();
  return digest.subarray(0, MAC_BYTES);
}
