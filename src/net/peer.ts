/**
 * The unit to which a rate applies. A host commonly has a whole IPv6 /64, so a rate per IPv6 address would
 * have no effect.
 */
export function peerOf(address: string | undefined): string {
  const plain = plainAddress(address);
  if (!plain.includes(":")) return plain;
  const [left = "", right] = plain.split("::");
  const groups = left === "" ? [] : left.split(":");
  if (right !== undefined) {
    const tail = right === "" ? [] : right.split(":");
    while (groups.length + tail.length < 8) groups.push("0");
    groups.push(...tail);
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}

/** An address without the IPv4-mapped prefix and the zone that sockets may report. */
export function plainAddress(address: string | undefined): string {
  return (address ?? "unknown").replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
}
