import { BlockList, isIP } from "node:net";

/**
 * Addresses that a stranger's URL must not reach: the local host, private networks, link-local addresses
 * (including metadata services of clouds), and addresses that are not unicast. Sources: IANA special-purpose
 * registries (RFC 6890), RFC 1918, RFC 4193, RFC 6598, RFC 9637.
 */
const refused4 = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  refused4.addSubnet(network, prefix, "ipv4");
}

/** All unicast addresses of the IPv6 internet; `refused6` lists the ranges in them that are not public. */
const open6 = new BlockList();
open6.addSubnet("2000::", 3, "ipv6");
const refused6 = new BlockList();
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  refused6.addSubnet(network, prefix, "ipv6");
}
const mapped = new BlockList();
mapped.addSubnet("::ffff:0:0", 96, "ipv6");

/**
 * Whether a worker may connect to an address.
 *
 * @param address IPv4 or IPv6, without brackets; an address with a zone is refused.
 * @param allowLoopback For a devnet: allows 127.0.0.0/8 and ::1, and nothing else.
 */
export function isReachable(address: string, allowLoopback: boolean): boolean {
  const family = isIP(address);
  if (family === 0 || address.includes("%")) return false;
  if (allowLoopback && isLoopback(address)) return true;
  if (family === 4) return !refused4.check(address, "ipv4");
  // BlockList checks an IPv4-mapped IPv6 address as the IPv4 address.
  if (mapped.check(address, "ipv6")) return !refused4.check(address, "ipv6");
  return open6.check(address, "ipv6") && !refused6.check(address, "ipv6");
}

/** Whether an address, without brackets, is one of the loopback interface. */
export function isLoopback(address: string): boolean {
  return address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}
