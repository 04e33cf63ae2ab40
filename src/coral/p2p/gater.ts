import type { ConnectionGater } from "@libp2p/interface";
import { isReachable } from "../../net/addresses.ts";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { Conduct } from "./conduct.ts";

/**
 * Decides which connections a node allows. It refuses peers that were cut off. Of the addresses that
 * strangers send it allows only public ones, so that a stranger cannot make the node probe its own network.
 * It does not resolve host names that strangers send either.
 *
 * @param options.allowPrivate For tests and private networks.
 * @param options.trusted Addresses in the operator's configuration.
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

/** Host and port of an address, without the protocols above them. */
function placeOf(address: Multiaddr): string {
  return address
    .getComponents()
    .slice(0, 2)
    .map(({ name, value }) => `${name}/${value ?? ""}`)
    .join("/");
}
