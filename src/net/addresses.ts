import { BlockList, isIP } from "node:net";

/**
 * Addresses that a stranger's URL must not reach: this host, private networks, link-local (with the
 * clouds' metadata services), and what is no unicast address. Sources: IANA special-purpose registries
 * (RFC 6890), RFC 1918, RFC 4193, RFC 6598.
 */
const refused = new BlockList();
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
  refused.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 128],
  ["::1", 128],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  refused.addSubnet(network, prefix, "ipv6");
}

/**
 * Whether a worker may connect to an address.
 *
 * @param address IPv4 or IPv6, without brackets or zone.
 * @param allowLoopback The devnet switch: opens 127.0.0.0/8 and ::1, and nothing else.
 */
export function isReachable(address: string, allowLoopback: boolean): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const kind = family === 4 ? "ipv4" : "ipv6";
  // An IPv4 address in IPv6 clothes is judged as what it is; BlockList does so for mapped ones.
  if (allowLoopback && isLoopback(address)) return true;
  return !refused.check(address, kind);
}

function isLoopback(address: string): boolean {
  return address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}
