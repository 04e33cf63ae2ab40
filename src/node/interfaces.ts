import { networkInterfaces } from "node:os";

/** Addresses that are told at most. */
const MAX_ADDRESSES = 4;

/**
 * The machine's own addresses that others may reach, IPv4 first; without link-local ones, which mean nothing
 * elsewhere, and none of its loopback.
 */
export function ownAddresses(read: typeof networkInterfaces = networkInterfaces): string[] {
  const found = Object.values(read())
    .flatMap((each) => each ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe[89ab].|169\.254\.)/i.test(address))
    .sort((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => address);
  return found.slice(0, MAX_ADDRESSES);
}
