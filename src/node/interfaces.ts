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
