import { parseCidr } from "../../net/cidr.ts";
import { list, text } from "./flag.ts";
import { duration, refine, wholeNumber } from "./values.ts";

const cidr = refine(
  parseCidr,
  "Give an address or a range, for example 127.0.0.1 or 192.0.2.0/24.",
);

/** A number of things that a server holds at a time. */
export const limit = wholeNumber(0, 1_000_000);

/**
 * Flags of a command that serves HTTP to strangers.
 *
 * @param section Of the configuration file.
 * @param defaults Most connections in total and of one peer.
 */
export function frontFlags(
  section: "provider" | "resolver" | "faucet" | "indexer",
  defaults: { connections: string; peerConnections: string; keepAlive: string },
) {
  return {
    trustProxy: list(
      "--trust-proxy <cidr...>",
      "proxies in front whose X-Forwarded-For, -Proto, -Host and Forwarded count",
      cidr,
      { config: `${section}.trustProxy` },
    ),
    maxConnections: text(
      "--max-connections <count>",
      "HTTP connections at a time; 0: no limit",
      limit,
      { config: `${section}.maxConnections`, default: defaults.connections },
    ),
    peerConnections: text(
      "--peer-connections <count>",
      "of them from one address (/64 of IPv6), and 4 times as many from one network; 0: no limit",
      limit,
      { config: `${section}.peerConnections`, default: defaults.peerConnections },
    ),
    keepAlive: text(
      "--keep-alive <time>",
      "how long an idle HTTP connection stays open",
      duration,
      { config: `${section}.keepAlive`, default: defaults.keepAlive },
    ),
  };
}
