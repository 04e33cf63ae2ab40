import { salError } from "../errors.ts";

/**
 * Limits of a provider's SAL; each has a default, and 0 means no limit for counts. A peer is an IPv4 address or an
 * IPv6 /64.
 */
export interface SalLimits {
  /** Sessions, with or without a link. */
  maxSessions?: number;
  maxSessionsPerPeer?: number;
  /** Flows, until their upstream is closed. */
  maxFlows?: number;
  maxFlowsPerPeer?: number;
  /** Connections whose handshake is not over. */
  maxHandshakes?: number;
  maxHandshakesPerPeer?: number;
  /** Receipts a second for one peer, one for each handshake or PROVE, and how many at once. */
  handshakesPerSecond?: number;
  handshakeBurst?: number;
  /** Flows that one peer may open in a second, and how many at once. */
  opensPerSecond?: number;
  openBurst?: number;
  /** Peers whose rates are tracked. */
  maxPeers?: number;
  /** How long a client may take for its handshake. */
  handshakeMs?: number;
  /**
   * How long a link may be silent, milliseconds. Then it is closed and its session waits for its client, because a host
   * that has lost its network does not close its connections. An idle client asks every 20 s: give it several tries.
   */
  silentMs?: number;
  /** How long a session without a link is kept: with flows, and without. */
  orphanMs?: number;
  idleOrphanMs?: number;
  /** Sessions without a link, and the memory that their unacknowledged bytes hold. */
  maxOrphans?: number;
  maxOrphanBytes?: number;
}

export type SalLimitValues = Readonly<Required<SalLimits>>;

const MINUTE_MS = 60_000;
const DEFAULTS: SalLimitValues = {
  maxSessions: 10_000,
  maxSessionsPerPeer: 256,
  maxFlows: 20_000,
  maxFlowsPerPeer: 2_048,
  maxHandshakes: 1_024,
  maxHandshakesPerPeer: 64,
  handshakesPerSecond: 50,
  handshakeBurst: 200,
  opensPerSecond: 500,
  openBurst: 2_000,
  maxPeers: 10_000,
  handshakeMs: 10_000,
  silentMs: 90_000,
  orphanMs: 10 * MINUTE_MS,
  idleOrphanMs: 24 * 60 * MINUTE_MS,
  maxOrphans: 4_096,
  maxOrphanBytes: 256 * 1024 * 1024,
};

/** @throws BlockcloudError `SAL_OPTIONS`. */
export function salLimits(limits: SalLimits): SalLimitValues {
  const values = { ...DEFAULTS, ...limits };
  for (const [name, value] of Object.entries(values)) {
    if (value >= 0 && Number.isFinite(value)) continue;
    throw salError("options", `${name} is ${String(value)}, not a number of 0 or more.`);
  }
  return values;
}
