import type { FrontsOptions } from "../../resolver/createFronts.ts";
import { text, type Values } from "../framework/flag.ts";
import { limit, publicFrontFlags, publicFrontLimits } from "../framework/frontFlags.ts";

/** Limits of the resolver's fronts, and the proxies in front of it. */
export const limitFlags = {
  ...publicFrontFlags("resolver", {
    ...{ connections: "2000", peerConnections: "128", keepAlive: "2m" },
    ...{ unread: "64", peerUnread: "16" },
  }),
  maxWatches: text("--max-watches <count>", "clients that watch names; 0: no limit", limit, {
    config: "resolver.maxWatches",
    default: "1000",
  }),
  peerWatches: text(
    "--peer-watches <count>",
    "of them from one address (/64 of IPv6), and 4 times as many from one network; 0: no limit",
    limit,
    { config: "resolver.peerWatches", default: "16" },
  ),
  dnsConnections: text(
    "--dns-connections <count>",
    "TCP connections of DNS clients at a time; 0: no limit",
    limit,
    { config: "resolver.dnsConnections", default: "512" },
  ),
  dnsPeerConnections: text(
    "--dns-peer-connections <count>",
    "of them from one address (/64 of IPv6), and 4 times as many from one network; 0: no limit",
    limit,
    { config: "resolver.dnsPeerConnections", default: "32" },
  ),
};

/** The limits that {@link limitFlags} give. */
export function frontLimits(
  flags: Values<typeof limitFlags>,
): Required<Pick<FrontsOptions, "httpLimits" | "dnsLimits">> {
  return {
    httpLimits: {
      ...publicFrontLimits(flags),
      watches: { maxWatches: flags.maxWatches, maxPerPeer: flags.peerWatches },
    },
    dnsLimits: { maxConnections: flags.dnsConnections, maxPerPeer: flags.dnsPeerConnections },
  };
}
