import { readCertificates } from "../../node/certificates.ts";
import type { GatewayLimits } from "../../provider/gateway/options.ts";
import { file, text, type Values } from "../framework/flag.ts";
import { frontFlags, limit } from "../framework/frontFlags.ts";
import type { Resolved } from "../framework/resolve.ts";
import type { Problems } from "../framework/settings.ts";
import { anyText, wholeNumber } from "../framework/values.ts";

/** Limits of the gateway, and whom it trusts before and behind it. */
export const gatewayFlags = {
  upstreamCa: file(
    "--upstream-ca <file>",
    "certificates in PEM that sign an https upstream's (default: those that the system trusts)",
    anyText,
    { config: "provider.upstreamCa" },
  ),
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

/** Checks that the authorities of the upstream can be read, and that the upstream has a certificate. */
export function checkUpstream({ values, found }: Resolved, problems: Problems): void {
  const { upstream, upstreamCa } = values;
  const source = found.upstreamCa?.source;
  if (typeof upstreamCa !== "string" || source === undefined) return;
  problems.collect(source, () => readCertificates(upstreamCa));
  if (upstream instanceof URL && upstream.protocol !== "https:") {
    problems.add(`${source}: ${upstream.href} has no certificate. Leave it out, or give https://.`);
  }
}

/**
 * The limits that {@link gatewayFlags} give.
 *
 * @throws BlockcloudError `CERTIFICATE_INVALID`.
 */
export function gatewayLimits(flags: Values<typeof gatewayFlags>): GatewayLimits {
  return {
    trustedProxies: flags.trustProxy ?? [],
    ...(flags.upstreamCa !== undefined && { upstreamCa: readCertificates(flags.upstreamCa) }),
    maxConnections: flags.maxConnections,
    maxConnectionsPerPeer: flags.peerConnections,
    maxStreams: flags.maxStreams,
    maxStreamsPerPeer: flags.peerStreams,
    keepAliveMs: flags.keepAlive,
    receiptsPerSecond: flags.receiptRate,
    receiptBurst: 2 * flags.receiptRate,
  };
}
