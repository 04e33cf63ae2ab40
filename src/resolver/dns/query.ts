import { HEADER_BYTES, MAX_UDP_BYTES, MIN_UDP_BYTES, rcodes, types } from "./codes.ts";

/** `outcome` of a packet that gets no response, because it does not come from a client. */
export const NO_ANSWER = -1;

/** Longest name with all its length bytes (RFC 1035, 2.3.4). */
const MAX_NAME_BYTES = 255;
/** Largest number of additional records; clients add OPT, and perhaps a signature. */
const MAX_ADDITIONAL = 4;
/** The FNV prime of 32 bits. */
const PRIME = 0x01000193;

/**
 * Parses queries. One reader is reused, so that parsing allocates nothing; its fields are valid until the
 * next `read`.
 *
 * It follows no compression pointers: a question comes before all names that it could point to, and names of
 * additional records are skipped.
 */
export class QueryReader {
  /** `rcodes.NOERROR` for a query to answer, the error code of the response, or `NO_ANSWER`. */
  outcome: number = NO_ANSWER;
  /** Offset of the question's end; 0 if it could not be read. */
  questionEnd = 0;
  type = 0;
  class = 0;
  /** Hash of the question in lower case. */
  hash = 0;
  /** Whether the query has an OPT record, so that the response may have one. */
  edns = false;
  /** Largest UDP message that the client accepts, bytes. */
  udpLimit = MIN_UDP_BYTES;
  /** DNSSEC OK, which the response repeats (RFC 3225). */
  dnssecOk = false;
  readonly #seed: number;

  /** @param seed Secret seed of the hashes, so that clients cannot predict them. */
  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  /** Parses a packet, and returns `outcome`. */
  read(packet: Uint8Array): number {
    this.questionEnd = 0;
    this.edns = false;
    this.dnssecOk = false;
    this.udpLimit = MIN_UDP_BYTES;
    this.outcome = this.#judge(packet);
    return this.outcome;
  }

  #judge(packet: Uint8Array): number {
    const flags = packet[2] ?? 0;
    // Two servers that answer responses could send them back and forth for ever.
    if (packet.length < HEADER_BYTES || (flags & 0x80) !== 0) return NO_ANSWER;
    if ((flags & 0x78) !== 0) return rcodes.NOTIMP;
    // RFC 9619: one question.
    if (uint16(packet, 4) !== 1 || !this.#question(packet)) return rcodes.FORMERR;
    if (this.type === types.AXFR || this.type === types.IXFR) return rcodes.REFUSED;
    if (uint16(packet, 6) !== 0 || uint16(packet, 8) !== 0) return rcodes.FORMERR;
    return this.#additional(packet, uint16(packet, 10));
  }

  #question(packet: Uint8Array): boolean {
    let at = HEADER_BYTES;
    let hash = this.#seed;
    for (;;) {
      const length = packet[at] ?? 0xff;
      // The two upper bits mark a pointer.
      if (length > 63) return false;
      const end = at + 1 + length;
      if (end - HEADER_BYTES > MAX_NAME_BYTES || end + 4 > packet.length) return false;
      // Length bytes are below all letters, so converting them to lower case does not change them.
      for (; at < end; at++) hash = Math.imul(hash ^ lower(packet[at] ?? 0), PRIME);
      if (length === 0) break;
    }
    this.type = uint16(packet, at);
    this.class = uint16(packet, at + 2);
    this.hash = Math.imul(Math.imul(hash ^ this.type, PRIME) ^ this.class, PRIME);
    this.questionEnd = at + 4;
    return true;
  }

  #additional(packet: Uint8Array, count: number): number {
    if (count > MAX_ADDITIONAL) return rcodes.FORMERR;
    let at = this.questionEnd;
    let outcome: number = rcodes.NOERROR;
    for (let left = count; left > 0; left--) {
      const fixed = skipName(packet, at);
      const end = fixed + 10 + uint16(packet, fixed + 8);
      if (fixed === 0 || fixed + 10 > packet.length || end > packet.length) return rcodes.FORMERR;
      if (uint16(packet, fixed) === types.OPT) {
        // RFC 6891, 6.1.1: one OPT record, at the root.
        if (this.edns || fixed !== at + 1 || !wellFormedOptions(packet, fixed + 10, end)) {
          return rcodes.FORMERR;
        }
        this.edns = true;
        const size = uint16(packet, fixed + 2);
        this.udpLimit = Math.min(MAX_UDP_BYTES, Math.max(MIN_UDP_BYTES, size));
        this.dnssecOk = ((packet[fixed + 6] ?? 0) & 0x80) !== 0;
        if (packet[fixed + 5] !== 0) outcome = rcodes.BADVERS;
      }
      at = end;
    }
    return at === packet.length ? outcome : rcodes.FORMERR;
  }
}

/** Two bytes, big-endian; 0 beyond the end. */
export function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/**
 * Maps ASCII letters to lower case and other bytes to themselves. A table, because it is used for each byte
 * of each query.
 */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte,
);

/** A byte, with ASCII letters in lower case. */
export function lower(byte: number): number {
  return LOWER[byte] ?? 0;
}

/** The labels of a question's name in lower case, one character per byte. */
export function labelsOf(question: Uint8Array): string[] {
  const labels: string[] = [];
  for (let at = 0; ;) {
    const length = question[at] ?? 0;
    if (length === 0) return labels;
    const label = question.subarray(at + 1, at + 1 + length);
    labels.push(String.fromCharCode(...label).replaceAll(/[A-Z]/g, (one) => one.toLowerCase()));
    at += 1 + length;
  }
}

/** Offset of the end of a record's name, where a pointer ends a name, too; 0 for an invalid name. */
function skipName(packet: Uint8Array, start: number): number {
  for (let at = start; at < packet.length;) {
    const length = packet[at] ?? 0;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63 || at - start > MAX_NAME_BYTES) return 0;
    at += 1 + length;
  }
  return 0;
}

function wellFormedOptions(packet: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at + 4 <= end) at += 4 + uint16(packet, at + 2);
  return at === end;
}
