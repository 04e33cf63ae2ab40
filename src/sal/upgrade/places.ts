import { isIP } from "node:net";
import { isReachable } from "../../net/addresses.ts";
import { plainAddress } from "../../net/peer.ts";
import type { Place } from "../transport/link.ts";
import { CandidateKind, type Candidate } from "./candidates.ts";

/**
 * Where a provider can be reached at the addresses of its own host: by IPv6 from everywhere, and within its own networks.
 *
 * @param listening Where its servers listen.
 * @param own Addresses of the host, without loopback.
 */
export function listeningPlaces(listening: readonly Place[], own: readonly string[]): Candidate[] {
  return listening.flatMap(({ address: bound, port }) => {
    const addresses = own.filter((address) => listensAt(bound, address)).map(plainAddress);
    return addresses.flatMap((address): Candidate[] => {
      if (isIP(address) === 6 && isReachable(address, false)) {
        return [{ kind: CandidateKind.ipv6, address, port }];
      }
      return [{ kind: CandidateKind.lan, address, port }];
    });
  });
}

function listensAt(bound: string, address: string): boolean {
  if (bound === "::") return true;
  if (bound === "0.0.0.0") return isIP(address) === 4;
  return bound === address;
}
