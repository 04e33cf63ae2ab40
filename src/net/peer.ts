/**
 * The unit to which a rate applies. A host commonly has a whole IPv6 /64, so a rate per IPv6 address would
 * have no effect.
 */
export function peerOf(address: string | undefined): string {
  const plain = plainAddress(address);
  return plain.includes(":") ? `${ipv6Groups(plain, 4)}::/64` : plain;
}

/** The network of an address: a /24 of IPv4, which one site commonly has, or a /48 of IPv6. */
export function networkOf(address: string | undefined): string {
  const plain = plainAddress(address);
  if (plain.includes(":")) return `${ipv6Groups(plain, 3)}::/48`;
  return `${plain.slice(0, Math.max(0, plain.lastIndexOf(".")))}.0/24`;
}

/** An address without the IPv4-mapped prefix and the zone that sockets may report. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "unknown";
  // Most addresses are plain, and this is on the path of each request.
  if (!address.includes(":")) return address;
  return address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
}

/** The first groups of an IPv6 address, without leading zeros. */
function ipv6Groups(plain: string, count: number): string {
  const [left = "", right] = plain.split("::");
  const groups = left === "" ? [] : left.split(":");
  if (right !== undefined) {
    const tail = right === "" ? [] : right.split(":");
    while (groups.length + tail.length < 8) groups.push("0");
    groups.push(...tail);
  }
  return groups.slice(0, count).join(":");
}
