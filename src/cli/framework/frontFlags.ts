import { parseCidr } from "../../net/cidr.ts";
import type { PublicHttpLimits } from "../../net/publicHttpServer.ts";
import { list, text, type Values } from "./flag.ts";
import { duration, refine, wholeNumber } from "./values.ts";

const cidr = refine(
  parseCidr,
  "Give an address or a range, for example 127.0.0.1 or 192.0.2.0/24.",
);

/** A number of things that a server holds at a time. */
export const limit = wholeNumber(0, 1_000_000);

const MEBIBYTE = 1024 * 1024;

/** A part of the configuration file. */
type Section = "provider" | "resolver" | "faucet" | "indexer" | "console";

/**
 * Flags of a command that serves HTTP to strangers.
 *
 * @param defaults Most connections in total and of one peer.
 */
export function frontFlags(
  section: Section,
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

/**
 * Those flags, and the bounds of responses that clients do not read.
 *
 * @param defaults Most MiB of them in total and of one peer.
 */
export function publicFrontFlags(
  section: Section,
  defaults: Parameters<typeof frontFlags>[1] & { unread: string; peerUnread: string },
) {
  return {
    ...frontFlags(section, defaults),
    maxUnread: text(
      "--max-unread <mebibytes>",
      "memory of responses that clients have not read, MiB; 0: no limit",
      limit,
      { config: `${section}.maxUnread`, default: defaults.unread },
    ),
    peerUnread: text(
      "--peer-unread <mebibytes>",
      "of it for one address (/64 of IPv6), and 4 times as much for one network; 0: no limit",
      limit,
      { config: `${section}.peerUnread`, default: defaults.peerUnread },
    ),
  };
}

/** The limits that {@link publicFrontFlags} give. */
export function publicFrontLimits(
  flags: Values<ReturnType<typeof publicFrontFlags>>,
): PublicHttpLimits {
  return {
    trustedProxies: flags.trustProxy ?? [],
    maxConnections: flags.maxConnections,
    maxConnectionsPerPeer: flags.peerConnections,
    keepAliveMs: flags.keepAlive,
    maxUnread: flags.maxUnread * MEBIBYTE,
    maxUnreadPerPeer: flags.peerUnread * MEBIBYTE,
  };
}
