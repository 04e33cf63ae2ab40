import { isLoopback, isReachable } from "../../net/addresses.ts";
import { ownAddresses } from "../../node/interfaces.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { parseRelay, type RelayAddress } from "../../sal/relay/relayName.ts";
import type { ExposeValues } from "./flags.ts";

/**
 * Where the service is reached: at this host's own public address, or through relays.
 *
 * @param own This host's addresses.
 * @throws BlockcloudError `EXPOSE_UNREACHABLE` if clients have no way to reach it.
 */
export function placeOf(
  {
    listen,
    endpoint,
    relays = [],
    allowLoopback,
  }: Pick<ExposeValues, "listen" | "endpoint" | "relays" | "allowLoopback">,
  deployment: Deployment,
  own: readonly string[] = ownAddresses(),
): { listen: NonNullable<ExposeValues["listen"]>; relays: readonly RelayAddress[] } {
  const known = (deployment.relays ?? []).flatMap((relay) => parseRelay(relay) ?? []);
  const isHere =
    endpoint !== undefined ||
    own.some((address) => isReachable(address, false)) ||
    (listen !== undefined && isLoopback(listen.host) && allowLoopback);
  const chosen = relays.length > 0 || isHere ? relays : known;
  if (chosen.length === 0 && !isHere) {
    throw new BlockcloudError("EXPOSE_UNREACHABLE", "This host has no public address.", {
      remedy: "Give --relay host:port, two of them.",
    });
  }
  const host = chosen.length > 0 ? "127.0.0.1" : "0.0.0.0";
  return { listen: listen ?? { host, port: 0 }, relays: chosen };
}
