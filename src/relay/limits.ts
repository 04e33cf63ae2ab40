import { relayError } from "../sal/relay/errors.ts";

/**
 * Limits of a relay; each has a default, and 0 means no limit. A peer is an IPv4 address or an IPv6 /64: of a
 * reservation and of bytes the provider's, of visitors and handshakes the visitor's.
 */
export interface RelayWorkerLimits {
  /** Instances of services that can be reached. */
  maxReservations?: number;
  maxReservationsPerPeer?: number;
  /** Visitors at a time, until their connection is closed. */
  maxVisitors?: number;
  maxVisitorsPerPeer?: number;
  /** Of the instances of one service's peer together. */
  maxVisitorsPerProvider?: number;
  /** Connections that have not said where they lead, or whose provider has not answered. */
  maxHandshakes?: number;
  maxHandshakesPerPeer?: number;
  /** Bytes a second, of both directions. */
  bytesPerSecond?: number;
  bytesPerSecondPerPeer?: number;
  /** Bytes that wait for the slower sides of connections, in all, and to and from the providers of one peer. */
  queuedBytes?: number;
  queuedBytesPerPeer?: number;
  /** How long a connection may take to say where it leads, and its provider to answer, milliseconds. */
  handshakeMs?: number;
  /** How long a connection may carry nothing, milliseconds; an idle client asks every 20 s. */
  idleMs?: number;
}

export type RelayWorkerLimitValues = Readonly<Required<RelayWorkerLimits>>;

const MEBIBYTE = 1024 * 1024;

const DEFAULTS: RelayWorkerLimitValues = {
  maxReservations: 4_096,
  maxReservationsPerPeer: 64,
  maxVisitors: 16_384,
  maxVisitorsPerPeer: 256,
  maxVisitorsPerProvider: 4_096,
  maxHandshakes: 1_024,
  maxHandshakesPerPeer: 64,
  bytesPerSecond: 0,
  bytesPerSecondPerPeer: 32 * MEBIBYTE,
  queuedBytes: 256 * MEBIBYTE,
  queuedBytesPerPeer: 64 * MEBIBYTE,
  handshakeMs: 10_000,
  idleMs: 120_000,
};

/** @throws BlockcloudError `RELAY_OPTIONS`. */
export function relayLimits(limits: RelayWorkerLimits): RelayWorkerLimitValues {
  const values = { ...DEFAULTS, ...limits };
  for (const [name, value] of Object.entries(values)) {
    if (Number.isFinite(value) && value >= (name.endsWith("Ms") ? 1 : 0)) continue;
    throw relayError("options", `${name} is ${String(value)}, not a number of 0 or more.`);
  }
  return values;
}
