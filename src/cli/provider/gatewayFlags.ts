import type { GatewayLimits } from "../../provider/gateway/options.ts";
import { text, type Values } from "../framework/flag.ts";
import { frontFlags, limit } from "../framework/frontFlags.ts";
import { wholeNumber } from "../framework/values.ts";

/** Limits of the gateway, and the proxies in front of it. */
export const gatewayFlags = {
  ...frontFlags("provider", { connections: "4096", peerConnections: "256", keepAlive: "2m" }),
  receiptRate: text(
    "--receipt-rate <receipts>",
    "receipts a second for one address (/64 of IPv6), and twice as many at once",
    wholeNumber(1, 1_000_000),
    { config: "provider.receiptRate", default: "50" },
  ),
  maxStreams: text(
    "--max-streams <count>",
    "event streams and WebSocket connections at a time; 0: no limit",
    limit,
    { config: "provider.maxStreams", default: "2048" },
  ),
  peerStreams: text(
    "--peer-streams <count>",
    "of them from one address (/64 of IPv6), and 4 times as many from one network; 0: no limit",
    limit,
    { config: "provider.peerStreams", default: "64" },
  ),
};

/** The limits that {@link gatewayFlags} give. */
export function gatewayLimits(flags: Values<typeof gatewayFlags>): GatewayLimits {
  return {
    trustedProxies: flags.trustProxy ?? [],
    maxConnections: flags.maxConnections,
    maxConnectionsPerPeer: flags.peerConnections,
    maxStreams: flags.maxStreams,
    maxStreamsPerPeer: flags.peerStreams,
    keepAliveMs: flags.keepAlive,
    receiptsPerSecond: flags.receiptRate,
    receiptBurst: 2 * flags.receiptRate,
  };
}
