import { isUtf8 } from "node:buffer";

/** SOCKS version 5 (RFC 1928), and its passwords (RFC 1929). Pure functions: they read and write bytes. */

/** Replies to a request (RFC 1928, 6). */
export const SocksReply = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  /** TTL expired: the nearest to a time limit. */
  timeout: 6,
  commandUnsupported: 7,
  addressUnsupported: 8,
} as const;

/** Authentication methods (RFC 1928, 3). */
export const SocksMethod = { none: 0, password: 2, refused: 0xff } as const;

/** What a program may ask for. */
export const SocksCommand = { connect: 1, bind: 2, udp: 3 } as const;

/** The result of a parser: a value and how many bytes it took, or that more are needed, or that none will help. */
export type Read<T> = { value: T; length: number } | "short" | "malformed";

export interface SocksRequest {
  command: number;
  /** `unsupported` for an address type that RFC 1928 does not name: then nothing after it can be read. */
  type: "name" | "address" | "unsupported";
  /** A name as it was sent, one character a byte, or an address. */
  host: string;
  port: number;
}

/** The methods that a program offers. */
export function readGreeting(bytes: Buffer): Read<readonly number[]> {
  if (bytes.length < 2) return "short";
  const [version, count = 0] = bytes;
  if (version !== 5 || count === 0) return "malformed";
  const length = 2 + count;
  return bytes.length < length ? "short" : { value: [...bytes.subarray(2, length)], length };
}

/** A program's password. The user's name is not read: a proxy has one password. */
export function readPassword(bytes: Buffer): Read<string> {
  if (bytes.length < 2) return "short";
  if (bytes[0] !== 1) return "malformed";
  const at = 2 + (bytes[1] ?? 0);
  const size = bytes[at];
  if (size === undefined) return "short";
  const length = at + 1 + size;
  if (bytes.length < length) return "short";
  const password = bytes.subarray(at + 1, length);
  return isUtf8(password) ? { value: password.toString(), length } : "malformed";
}

/** What a program asks for. */
export function readRequest(bytes: Buffer): Read<SocksRequest> {
  if (bytes.length < 4) return "short";
  const [version, command = 0, reserved, type, first] = bytes;
  if (version !== 5 || reserved !== 0) return "malformed";
  const place = placeOf(type, first);
  if (place === undefined) {
    return { value: { command, type: "unsupported", host: "", port: 0 }, length: 4 };
  }
  const length = place.end + 2;
  if (bytes.length < length) return "short";
  const host = bytes.subarray(place.start, place.end);
  const port = bytes.readUInt16BE(place.end);
  return type === NAME
    ? { value: { command, type: "name", host: host.toString("latin1"), port }, length }
    : { value: { command, type: "address", host: addressText(host), port }, length };
}

const NAME = 3;
/** Bytes of an address, by its type. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 4, 4: 16 };

/** @param first The byte after the type: the length of a name. */
function placeOf(type = 0, first = 0): { start: number; end: number } | undefined {
  if (type === NAME) return { start: 5, end: 5 + first };
  const size = ADDRESS_BYTES[type];
  return size === undefined ? undefined : { start: 4, end: 4 + size };
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16));
  return groups.join(":");
}

/** The method that the proxy chooses. */
export function methodAnswer(method: number): Buffer {
  return Buffer.of(5, method);
}

/** Whether the password is right. */
export function passwordAnswer(isRight: boolean): Buffer {
  return Buffer.of(1, isRight ? 0 : 1);
}

/** A reply. The proxy has no address of its own in the network of services: the field is 0.0.0.0:0. */
export function requestAnswer(reply: number): Buffer {
  return Buffer.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0);
}

/** The refusal of SOCKS version 4: request rejected. */
export const socks4Refusal = Buffer.of(0, 0x5b, 0, 0, 0, 0, 0, 0);
