import type { SalLimits } from "../../sal/provider/limits.ts";
import { text, type Values } from "../framework/flag.ts";
import { limit } from "../framework/frontFlags.ts";
import { duration, wholeNumber } from "../framework/values.ts";

const rate = wholeNumber(1, 1_000_000);
const MEBIBYTE = 1024 * 1024;

/** Limits of a provider's SAL. */
export const salFlags = {
  salSessions: text("--sal-sessions <count>", "sessions of the SAL at a time; 0: no limit", limit, {
    config: "provider.salSessions",
    default: "10000",
  }),
  salPeerSessions: text(
    "--sal-peer-sessions <count>",
    "of them from one address (/64 of IPv6); 0: no limit",
    limit,
    { config: "provider.salPeerSessions", default: "256" },
  ),
  salFlows: text(
    "--sal-flows <count>",
    "flows at a time, until their upstream is closed; 0: no limit",
    limit,
    { config: "provider.salFlows", default: "20000" },
  ),
  salPeerFlows: text(
    "--sal-peer-flows <count>",
    "of them from one address (/64 of IPv6); 0: no limit",
    limit,
    { config: "provider.salPeerFlows", default: "2048" },
  ),
  salHandshakes: text(
    "--sal-handshakes <count>",
    "connections whose handshake is not over; 0: no limit",
    limit,
    { config: "provider.salHandshakes", default: "1024" },
  ),
  salPeerHandshakes: text(
    "--sal-peer-handshakes <count>",
    "of them from one address (/64 of IPv6); 0: no limit",
    limit,
    { config: "provider.salPeerHandshakes", default: "64" },
  ),
  salHandshakeTime: text(
    "--sal-handshake-time <time>",
    "how long a client of the SAL may take for its handshake",
    duration,
    { config: "provider.salHandshakeTime", default: "10s" },
  ),
  salReceiptRate: text(
    "--sal-receipt-rate <receipts>",
    "receipts of the SAL a second for one address, and 4 times as many at once",
    rate,
    { config: "provider.salReceiptRate", default: "50" },
  ),
  salOpenRate: text(
    "--sal-open-rate <flows>",
    "flows that one address may open a second, and 4 times as many at once",
    rate,
    { config: "provider.salOpenRate", default: "500" },
  ),
  salPeers: text(
    "--sal-peers <count>",
    "addresses whose rates are tracked",
    wholeNumber(1, 1_000_000),
    { config: "provider.salPeers", default: "10000" },
  ),
  salSilentTime: text(
    "--sal-silent-time <time>",
    "how long a connection of the SAL may be silent; idle clients ask every 20 s",
    duration,
    { config: "provider.salSilentTime", default: "90s" },
  ),
  salOrphanTime: text(
    "--sal-orphan-time <time>",
    "how long a session with flows waits for its client to come back",
    duration,
    { config: "provider.salOrphanTime", default: "10m" },
  ),
  salIdleOrphanTime: text(
    "--sal-idle-orphan-time <time>",
    "the same for one without flows",
    duration,
    { config: "provider.salIdleOrphanTime", default: "24h" },
  ),
  salOrphans: text(
    "--sal-orphans <count>",
    "sessions that wait for their clients at a time; 0: no limit",
    limit,
    { config: "provider.salOrphans", default: "4096" },
  ),
  salOrphanMemory: text(
    "--sal-orphan-memory <mebibytes>",
    "memory of their unacknowledged bytes, MiB",
    wholeNumber(0, 1_048_576),
    { config: "provider.salOrphanMemory", default: "256" },
  ),
};

/** The limits that {@link salFlags} give. */
export function salLimitsOf(flags: Values<typeof salFlags>): Required<SalLimits> {
  return {
    maxSessions: flags.salSessions,
    maxSessionsPerPeer: flags.salPeerSessions,
    maxFlows: flags.salFlows,
    maxFlowsPerPeer: flags.salPeerFlows,
    maxHandshakes: flags.salHandshakes,
    maxHandshakesPerPeer: flags.salPeerHandshakes,
    handshakesPerSecond: flags.salReceiptRate,
    handshakeBurst: 4 * flags.salReceiptRate,
    opensPerSecond: flags.salOpenRate,
    openBurst: 4 * flags.salOpenRate,
    maxPeers: flags.salPeers,
    handshakeMs: flags.salHandshakeTime,
    silentMs: flags.salSilentTime,
    orphanMs: flags.salOrphanTime,
    idleOrphanMs: flags.salIdleOrphanTime,
    maxOrphans: flags.salOrphans,
    maxOrphanBytes: flags.salOrphanMemory * MEBIBYTE,
  };
}
