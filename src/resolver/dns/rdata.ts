import { CLASS_IN, types } from "./codes.ts";
import { groupsOf } from "./zone.ts";

/** A record without owner, class and TTL, which all records of a response share. */
export interface Rr {
  type: number;
  rdata: Buffer;
}

/** Encodes a name without compression, as RFC 2782 and RFC 9460 require for targets. */
export function encodeName(name: string): Buffer {
  const labels = name === "" ? [] : name.split(".");
  return Buffer.concat([
    ...labels.map((label) =>
      Buffer.concat([Buffer.of(label.length), Buffer.from(label, "latin1")]),
    ),
    Buffer.of(0),
  ]);
}

/** A or AAAA, depending on the address. */
export function addressRr(address: string): Rr {
  return address.includes(":")
    ? { type: types.AAAA, rdata: addressBytes(address) }
    : { type: types.A, rdata: addressBytes(address) };
}

/** SRV (RFC 2782). */
export function srvRr(priority: number, weight: number, port: number, target: string): Rr {
  return {
    type: types.SRV,
    rdata: Buffer.concat([uint16s(priority, weight, port), encodeName(target)]),
  };
}

/** TXT: one text, split into strings of 255 bytes, which clients join. */
export function txtRr(text: string): Rr {
  const bytes = Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255);
    parts.push(Buffer.of(part.length), part);
  }
  return { type: types.TXT, rdata: Buffer.concat(parts) };
}

/** URI (RFC 7553). */
export function uriRr(priority: number, weight: number, uri: string): Rr {
  return {
    type: types.URI,
    rdata: Buffer.concat([uint16s(priority, weight), Buffer.from(uri, "utf8")]),
  };
}

/** SVCB or HTTPS in service mode (RFC 9460); parameters are ordered by key. */
export function svcbRr(
  type: typeof types.SVCB | typeof types.HTTPS,
  input: {
    priority: number;
    target: string;
    port: number;
    alpn?: string;
    hint?: string | undefined;
  },
): Rr {
  const { priority, target, port, alpn, hint } = input;
  const params: [number, Buffer][] = [];
  if (alpn !== undefined)
    params.push([1, Buffer.concat([Buffer.of(alpn.length), Buffer.from(alpn)])]);
  params.push([3, uint16s(port)]);
  if (hint !== undefined) params.push([hint.includes(":") ? 6 : 4, addressBytes(hint)]);
  const encoded = params.map(([key, value]) => Buffer.concat([uint16s(key, value.length), value]));
  return { type, rdata: Buffer.concat([uint16s(priority), encodeName(target), ...encoded]) };
}

/** The HINFO response to a query of type ANY (RFC 8482, 4.2). */
export const anyRr: Rr = {
  type: types.HINFO,
  rdata: Buffer.concat([Buffer.of(7), Buffer.from("RFC8482"), Buffer.of(0)]),
};

/** Encodes a record with a pointer to its owner, class IN, and a TTL that is set later. */
export function encodeRr(owner: number, { type, rdata }: Rr): Buffer {
  const head = uint16s(0xc000 | owner, type, CLASS_IN, 0, 0, rdata.length);
  return Buffer.concat([head, rdata]);
}

/** 16-bit numbers, big-endian. */
export function uint16s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => bytes.writeUInt16BE(value, 2 * index));
  return bytes;
}

function addressBytes(address: string): Buffer {
  return address.includes(":")
    ? uint16s(...groupsOf(address).map((group) => parseInt(group, 16)))
    : Buffer.from(address.split(".").map(Number));
}
