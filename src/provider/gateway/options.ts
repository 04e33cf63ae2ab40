import type { Hex } from "viem";
import type { Cidr } from "../../net/cidr.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { diallingOf, type Dialling } from "./dialling.ts";
import { isUpstream, UPSTREAM_FORMS } from "../../net/upstreamUrl.ts";

/** Where a gateway listens. */
export interface ListenPlace {
  host: string;
  /** 0 chooses a free port: see `Gateway.address`. */
  port: number;
  /** A socket that another process has opened there, and passed on. */
  fd?: number | undefined;
  /** Whether a process listens there in whose place this one serves. */
  joins?: boolean | undefined;
}

/** Options of a gateway. All fields after `listen` have a default. */
export interface GatewayOptions extends GatewayLimits {
  serviceId: Hex;
  domain: Domain;
  /** The service key, 32 bytes: the one that the registry has for the service. */
  key: Uint8Array;
  /**
   * The provider's own server: `http://host:port`, `https://host` or `unix:/path`, nothing after it. A
   * certificate must name the host.
   */
  upstream: URL;
  listen: ListenPlace;
}

/** Limits of a gateway, and whom it trusts; each has a default. A peer is an IPv4 address or an IPv6 /64. */
export interface GatewayLimits {
  /**
   * Proxies in front of the gateway. What they say about a request's client counts, and limits apply to that
   * client.
   */
  trustedProxies?: readonly Cidr[];
  /**
   * Certificates in PEM that may sign that of an `https` upstream, in place of those that the system trusts.
   */
  upstreamCa?: string | undefined;
  /** Largest response that is buffered to put its receipt into the header, bytes. */
  maxBufferedBytes?: number;
  /** Memory for all buffered responses together, bytes. */
  maxBufferedTotalBytes?: number;
  /** Receipts per second for one peer, after its burst is used up. */
  receiptsPerSecond?: number;
  receiptBurst?: number;
  /** Peers whose rate is tracked. */
  maxPeers?: number;
  /** How long the upstream may be silent while it must read or respond. */
  upstreamTimeoutMs?: number;
  maxRequestBytes?: number;
  /** 0 for no limit. */
  maxConnections?: number;
  /** Connections of one peer, or its concurrent requests through trusted proxies; 0 for no limit. */
  maxConnectionsPerPeer?: number;
  /** Event streams and tunnels, which have no end of their own; 0 for no limit. */
  maxStreams?: number;
  maxStreamsPerPeer?: number;
  /**
   * How long an idle connection stays open. A client whose pool keeps it longer may send a request at the
   * moment when the gateway closes it: Go's pool keeps one for 90 s, nginx and load balancers for 60 s.
   */
  keepAliveMs?: number;
  /** How long a client may take to send the head of a request. */
  headersTimeoutMs?: number;
  /** How long a client may take to send a whole request. */
  requestTimeoutMs?: number;
  /** How long a client may neither send nor read; event streams are exempt. */
  clientTimeoutMs?: number;
  /**
   * How long a client that has closed its half of the connection may wait for a response to begin. It may
   * still read, as `nc` does, or have left.
   */
  halfClosedMs?: number;
  /** How long `stop()` lets running responses finish. */
  drainMs?: number;
}

/** Options with all defaults filled in. */
export type GatewaySettings = Readonly<
  Required<Omit<GatewayOptions, "upstream" | "upstreamCa">> & { upstream: Dialling }
>;

const DEFAULTS = {
  maxBufferedBytes: 1024 * 1024,
  maxBufferedTotalBytes: 256 * 1024 * 1024,
  receiptsPerSecond: 50,
  receiptBurst: 100,
  maxPeers: 10_000,
  upstreamTimeoutMs: 30_000,
  maxRequestBytes: 10 * 1024 * 1024,
  maxConnections: 4096,
  maxConnectionsPerPeer: 256,
  maxStreams: 2048,
  maxStreamsPerPeer: 64,
  keepAliveMs: 120_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  clientTimeoutMs: 60_000,
  halfClosedMs: 5_000,
  drainMs: 10_000,
};

/** Half of what Node's timers can do: they end at once after more, and twice one of the times is used, too. */
const LONGEST_MS = 2 ** 30;

/**
 * Fills in the defaults, and refuses values that would fail only later, with each request.
 *
 * @throws BlockcloudError `GATEWAY_OPTIONS`.
 */
export function gatewaySettings(options: GatewayOptions): GatewaySettings {
  const { upstream, upstreamCa, ...others } = options;
  const settings = { trustedProxies: [], ...DEFAULTS, ...others };
  if (!isUpstream(upstream)) {
    throw new BlockcloudError("GATEWAY_OPTIONS", `Not an upstream: ${upstream.origin}.`, {
      remedy: UPSTREAM_FORMS,
    });
  }
  if (upstreamCa !== undefined && upstream.protocol !== "https:") {
    throw new BlockcloudError(
      "GATEWAY_OPTIONS",
      `upstreamCa is given, but ${upstream.protocol} needs no certificate.`,
      { remedy: "Leave it out, or give an https upstream." },
    );
  }
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    if (!(settings[name] >= 0)) {
      throw new BlockcloudError("GATEWAY_OPTIONS", `${name} is ${settings[name]}, not 0 or more.`);
    }
    if (name.endsWith("Ms") && settings[name] > LONGEST_MS) {
      throw new BlockcloudError("GATEWAY_OPTIONS", `${name} is ${settings[name]}, too long.`, {
        remedy: `Give at most ${LONGEST_MS}, about 12 days.`,
      });
    }
  }
  if (settings.headersTimeoutMs > settings.requestTimeoutMs) {
    throw new BlockcloudError("GATEWAY_OPTIONS", "headersTimeoutMs exceeds requestTimeoutMs.", {
      remedy: "The head is a part of the request: give it less time.",
    });
  }
  try {
    addressOfKey(settings.key);
  } catch {
    // No cause: a library's error may contain the key.
    throw new BlockcloudError("GATEWAY_OPTIONS", "The service key is not a secp256k1 key.", {
      remedy: "Give its 32 bytes.",
    });
  }
  return { ...settings, upstream: diallingOf(upstream, upstreamCa) };
}
