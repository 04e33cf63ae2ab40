import { isIP, SocketAddress } from "node:net";
import { salError } from "../errors.ts";
import type { Place } from "../transport/link.ts";
import { PayloadReader } from "../wire/read.ts";
import { varintSize, writeVarint } from "../wire/varint.ts";

/** How a direct path comes about; the lower, the better. */
export const CandidateKind = {
  /** An address of the provider in the client's own network. */
  lan: 0,
  /** An IPv6 address at which the provider listens. */
  ipv6: 1,
  /** A port of the provider's gateway to the internet that leads to the provider. */
  mapped: 2,
  /** The provider's end of its connection to the relay. */
  punch: 3,
} as const;
export type CandidateKind = (typeof CandidateKind)[keyof typeof CandidateKind];

/** Why a provider offers no punch. */
export const NoPunch = {
  /** It offers one. */
  none: 0,
  /** Its operator wants no direct paths. */
  off: 1,
  /** Both ends are behind one address. */
  sameAddress: 2,
  /** The relay did not say what a punch needs, or the rules of what may be dialled forbid the client's address. */
  address: 3,
} as const;
export type NoPunch = (typeof NoPunch)[keyof typeof NoPunch];

/** Where a provider may be reached without the relay. */
export interface Candidate extends Place {
  readonly kind: CandidateKind;
}

/** What CANDIDATES says. */
export interface Candidates {
  /** The attempt of the resumption that led to the relayed link; 0 for the session's first link. */
  readonly attempt: number;
  /** A code of {@link NoPunch}, or of a later version. */
  readonly noPunch: number;
  readonly candidates: readonly Candidate[];
}

/** Most candidates of a frame. */
export const MAX_CANDIDATES = 8;
const KINDS: readonly number[] = Object.values(CandidateKind);
const BYTES = { 4: 4, 6: 16 } as const;

export function encodeCandidates({ attempt, noPunch, candidates }: Candidates): Buffer {
  const parts = candidates.map(({ kind, address, port }) => {
    const family = isIP(address) === 4 ? 4 : 6;
    const bytes = Buffer.alloc(2 + BYTES[family] + 2);
    bytes[0] = kind;
    bytes[1] = family;
    bytes.set(family === 4 ? bytes4(address) : bytes6(address), 2);
    bytes.writeUInt16BE(port, 2 + BYTES[family]);
    return bytes;
  });
  return Buffer.concat([number(attempt), Buffer.of(noPunch, parts.length), ...parts]);
}

/**
 * Reads CANDIDATES. Kinds that this software does not know are left out.
 *
 * @throws BlockcloudError `SAL_PROTOCOL`.
 */
export function decodeCandidates(payload: Buffer): Candidates {
  const reader = new PayloadReader(payload);
  const attempt = reader.varint();
  const noPunch = reader.byte();
  const count = reader.byte();
  if (count > MAX_CANDIDATES) {
    throw salError("protocol", `The peer sent CANDIDATES with ${count} places.`);
  }
  const candidates: Candidate[] = [];
  for (let left = count; left > 0; left -= 1) {
    const kind = reader.byte();
    const family = reader.byte();
    if (family !== 4 && family !== 6) {
      throw salError("protocol", `The peer sent CANDIDATES with the address family ${family}.`);
    }
    const address = text(reader.bytes(BYTES[family]));
    const port = reader.uint16();
    if (isKind(kind)) candidates.push({ kind, address, port });
  }
  // Later versions may say more.
  reader.rest();
  return { attempt, noPunch, candidates };
}

/** PUNCH: the attempt that CANDIDATES named. */
export function encodePunch(attempt: number): Buffer {
  return number(attempt);
}

/** @throws BlockcloudError `SAL_PROTOCOL`. */
export function decodePunch(payload: Buffer): number {
  const reader = new PayloadReader(payload);
  const attempt = reader.varint();
  reader.rest();
  return attempt;
}

function isKind(kind: number): kind is CandidateKind {
  return KINDS.includes(kind);
}

function bytes4(address: string): number[] {
  return address.split(".").map(Number);
}

/** The bytes of an IPv6 address without a zone. */
function bytes6(address: string): number[] {
  // Node writes an address with an IPv4 tail in hexadecimal digits.
  const plain = new SocketAddress({ address, family: "ipv6" }).address;
  const tail = /:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  const [left = "", right] = (tail === undefined ? plain : plain.slice(0, -tail.length)).split(
    "::",
  );
  const groups = (part: string) => part.split(":").filter((group) => group !== "");
  const bytesOf = (part: string) =>
    groups(part).flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
  const end = [...bytesOf(right ?? ""), ...(tail === undefined ? [] : bytes4(tail))];
  const start = bytesOf(left);
  return [...start, ...Array<number>(16 - start.length - end.length).fill(0), ...end];
}

function text(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16));
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}

function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(varintSize(value));
  writeVarint(bytes, 0, value);
  return bytes;
}
