import { parseCidr } from "../../../net/cidr.ts";

/** A range of IPv4 addresses of the loopback interface, of which services get theirs. */
export interface MapRange {
  /** As it was given, with the prefix. */
  text: string;
  /** The first and the last address that a service may get, as numbers. */
  first: number;
  last: number;
}

/** `127.0.0.0/16`: localhost, systemd-resolved (127.0.0.53) and a host's own name in Debian (127.0.1.1). */
const TAKEN = { from: numberOf("127.0.0.0"), to: numberOf("127.0.255.255") };
const LOOPBACK = { from: numberOf("127.0.0.0"), to: numberOf("127.255.255.255") };

/**
 * Reads `address/prefix`. Network and broadcast address and the first one after it are left out: the first one is where
 * the proxy's DNS listens by default.
 *
 * @returns Undefined unless it is a range of at least four addresses in 127.0.0.0/8, outside of 127.0.0.0/16.
 */
export function parseMapRange(text: string): MapRange | undefined {
  const range = parseCidr(text);
  if (range?.family !== "ipv4" || range.prefix > 30) return undefined;
  const size = 2 ** (32 - range.prefix);
  const from = Math.floor(numberOf(range.address) / size) * size;
  const to = from + size - 1;
  if (from < LOOPBACK.from || to > LOOPBACK.to) return undefined;
  if (from <= TAKEN.to && to >= TAKEN.from) return undefined;
  return { text: `${addressText(from)}/${range.prefix}`, first: from + 2, last: to - 1 };
}

/** The address before the first one that services get. */
export function ownAddress({ first }: MapRange): string {
  return addressText(first - 1);
}

export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

/** @param text A valid IPv4 address. */
export function numberOf(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
