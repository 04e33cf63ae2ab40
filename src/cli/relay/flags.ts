import { limit } from "../framework/frontFlags.ts";
import { list, text, type Values } from "../framework/flag.ts";
import { duration, hostAndPort, refine, wholeNumber } from "../framework/values.ts";
import { relayName } from "../../sal/relay/relayName.ts";

/** The port of a relay, unless another one is chosen. */
const RELAY_PORT = 4180;

const name = refine((given) => {
  const place = hostAndPort.safeParse(given).data;
  return place === undefined || place.port === 0 ? undefined : relayName(place);
}, "Give host:port, for example relay.example:4180.");

const bytes = wholeNumber(0, 2 ** 40);

/** Flags of a relay. */
export const relayFlags = {
  listen: text("--listen <host:port>", "address at which the relay listens", hostAndPort, {
    env: "BLOCKCLOUD_RELAY_LISTEN",
    config: "relay.listen",
    default: `0.0.0.0:${RELAY_PORT}`,
  }),
  names: list(
    "--name <host:port...>",
    "how providers dial the relay; needed if it listens on all addresses",
    name,
    { env: "BLOCKCLOUD_RELAY_NAMES", config: "relay.names" },
  ),
  reservations: text(
    "--reservations <count>",
    "instances of services that the relay leads to; 0: no limit",
    limit,
    { config: "relay.reservations", default: "4096" },
  ),
  peerReservations: text(
    "--peer-reservations <count>",
    "of them from one address (/64 of IPv6); 0: no limit",
    limit,
    { config: "relay.peerReservations", default: "64" },
  ),
  visitors: text("--visitors <count>", "visitors at a time; 0: no limit", limit, {
    config: "relay.visitors",
    default: "16384",
  }),
  peerVisitors: text(
    "--peer-visitors <count>",
    "of them from one address (/64 of IPv6); 0: no limit",
    limit,
    { config: "relay.peerVisitors", default: "256" },
  ),
  providerVisitors: text(
    "--provider-visitors <count>",
    "of them to the providers of one address; 0: no limit",
    limit,
    { config: "relay.providerVisitors", default: "4096" },
  ),
  handshakes: text(
    "--handshakes <count>",
    "connections that have not reached a provider yet; 0: no limit",
    limit,
    { config: "relay.handshakes", default: "1024" },
  ),
  peerHandshakes: text(
    "--peer-handshakes <count>",
    "of them from one address (/64 of IPv6); 0: no limit",
    limit,
    { config: "relay.peerHandshakes", default: "64" },
  ),
  handshakeTime: text(
    "--handshake-time <time>",
    "how long a connection may take to say where it leads, and its provider to answer",
    duration,
    { config: "relay.handshakeTime", default: "10s" },
  ),
  bytesPerSecond: text(
    "--bytes-per-second <bytes>",
    "bytes a second, both directions together; 0: no limit",
    bytes,
    { config: "relay.bytesPerSecond", default: "0" },
  ),
  peerBytesPerSecond: text(
    "--peer-bytes-per-second <bytes>",
    "of them for the providers of one address; 0: no limit",
    bytes,
    { config: "relay.peerBytesPerSecond", default: "33554432" },
  ),
  queuedBytes: text(
    "--queued-bytes <bytes>",
    "bytes that wait for the slower sides of connections; 0: no limit",
    bytes,
    { config: "relay.queuedBytes", default: "268435456" },
  ),
  peerQueuedBytes: text(
    "--peer-queued-bytes <bytes>",
    "of them for the providers of one address; 0: no limit",
    bytes,
    { config: "relay.peerQueuedBytes", default: "67108864" },
  ),
  idleTime: text(
    "--idle-time <time>",
    "how long a connection may carry nothing; idle clients ask every 20 s",
    duration,
    { config: "relay.idleTime", default: "2m" },
  ),
};

/** The limits that {@link relayFlags} give. */
export function relayLimitsOf(flags: Values<typeof relayFlags>) {
  return {
    maxReservations: flags.reservations,
    maxReservationsPerPeer: flags.peerReservations,
    maxVisitors: flags.visitors,
    maxVisitorsPerPeer: flags.peerVisitors,
    maxVisitorsPerProvider: flags.providerVisitors,
    maxHandshakes: flags.handshakes,
    maxHandshakesPerPeer: flags.peerHandshakes,
    handshakeMs: flags.handshakeTime,
    bytesPerSecond: flags.bytesPerSecond,
    bytesPerSecondPerPeer: flags.peerBytesPerSecond,
    queuedBytes: flags.queuedBytes,
    queuedBytesPerPeer: flags.peerQueuedBytes,
    idleMs: flags.idleTime,
  };
}
