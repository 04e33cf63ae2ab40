import type { ConnectionGater } from "@libp2p/interface";
import { isReachable } from "../net/addresses.ts";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { Conduct } from "./conduct.ts";

/**
 * Whom a node connects to: nobody who was cut off, and of the addresses that strangers name only public
 * ones, so that nobody makes it knock at its own network. Names of strangers are not looked up either.
 *
 * @param options.allowPrivate For tests and for networks of one's own.
 * @param options.trusted Addresses that the operator named.
 */
export function connectionGater(
  options: { allowPrivate: boolean; trusted: readonly Multiaddr[] },
  conduct: Pick<Conduct, "isCut">,
): ConnectionGater {
  const trusted = new Set(options.trusted.map(placeOf));
  return {
    denyDialPeer: (peer) => conduct.isCut(peer.toString()),
    denyDialMultiaddr: (address) =>
      !options.allowPrivate && !isPublic(address) && !trusted.has(placeOf(address)),
    denyInboundEncryptedConnection: (peer) => conduct.isCut(peer.toString()),
  };
}

/** Whether an address names a public IP address; a DNS name does not. */
export function isPublic(address: Multiaddr): boolean {
  const [first] = address.getComponents();
  return (first?.name === "ip4" || first?.name === "ip6") && isReachable(first.value ?? "", false);
}

/** Host and port of an address, whatever protocols stand above. */
function placeOf(address: Multiaddr): string {
  return address
    .getComponents()
    .slice(0, 2)
    .map(({ name, value }) => `${name}/${value ?? ""}`)
    .join("/");
}
