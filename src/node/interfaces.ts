import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

/** Maximum number of returned addresses. */
const MAX_ADDRESSES = 4;

/**
 * The machine's own addresses that other hosts may reach, IPv4 first, without link-local and loopback addresses.
 */
export function ownAddresses(read: typeof networkInterfaces = networkInterfaces): string[] {
  const found = Object.values(read())
    .flatMap((each) => each ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe[89ab].|169\.254\.)/i.test(address))
    .sort((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => address);
  return found.slice(0, MAX_ADDRESSES);
}

/**
 * Whether an address is one of this host's, on any interface and in any spelling, IPv4-mapped included. The
 * interfaces are read for each call, because addresses come and go.
 */
export function isOwnAddress(
  address: string,
  read: typeof networkInterfaces = networkInterfaces,
): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const own = new BlockList();
  for (const each of Object.values(read()).flatMap((found) => found ?? [])) {
    own.addAddress(each.address.replace(/%.*$/, ""), each.family === "IPv4" ? "ipv4" : "ipv6");
  }
  return own.check(address.replace(/%.*$/, ""), version === 4 ? "ipv4" : "ipv6");
}

/** A text that changes when an address of this host, or the state of an interface, does. */
export function interfaceFingerprint(read: typeof networkInterfaces = networkInterfaces): string {
  const all = Object.entries(read()).flatMap(([name, addresses]) =>
    (addresses ?? []).map(({ cidr }) => `${name} ${cidr}`),
  );
  return all.sort().join("\n");
}
