import { limit } from "../framework/frontFlags.ts";
import { file, text, toggle, type Values } from "../framework/flag.ts";
import { anyText, duration, hostAndPort, wholeNumber } from "../framework/values.ts";

/** Flags of the local proxy. */
export const proxyFlags = {
  listen: text("--listen <host:port>", "address at which programs use the proxy", hostAndPort, {
    env: "BLOCKCLOUD_PROXY",
    config: "proxy.listen",
    default: "127.0.0.1:1080",
  }),
  proxyPasswordFile: file(
    "--proxy-password-file <path>",
    "file with the password that programs must give, mode 600; needed beyond this host",
    anyText,
    { config: "proxy.passwordFile" },
  ),
  direct: toggle("--direct", "connect to other destinations, too, if they are public", {
    config: "proxy.direct",
  }),
  maxConnections: text("--max-connections <count>", "connections at a time; 0: no limit", limit, {
    config: "proxy.maxConnections",
    default: "4096",
  }),
  peerConnections: text(
    "--peer-connections <count>",
    "of them from one address; all programs of this host have the same one; 0: no limit",
    limit,
    { config: "proxy.peerConnections", default: "2048" },
  ),
  connectTime: text("--connect-time <time>", "how long a connection may take to open", duration, {
    config: "proxy.connectTime",
    default: "30s",
  }),
  idleTime: text(
    "--idle-time <time>",
    "how long an open connection may carry nothing (default: no limit)",
    duration,
    { config: "proxy.idleTime" },
  ),
  halfClosedTime: text(
    "--half-closed-time <time>",
    "the same for a connection of which one direction has ended",
    duration,
    { config: "proxy.halfClosedTime", default: "5m" },
  ),
  handshakeTime: text(
    "--handshake-time <time>",
    "how long a program may take to say what it wants",
    duration,
    { config: "proxy.handshakeTime", default: "10s" },
  ),
  keepAlive: text(
    "--keep-alive <time>",
    "how long an HTTP connection stays open between two requests",
    duration,
    { config: "proxy.keepAlive", default: "2m" },
  ),
  maxHead: text(
    "--max-head <bytes>",
    "largest head of an HTTP request",
    wholeNumber(1_024, 1_048_576),
    { config: "proxy.maxHead", default: "16384" },
  ),
  maxPipelined: text(
    "--max-pipelined <count>",
    "requests that one HTTP connection may send ahead of their responses",
    wholeNumber(1, 1_024),
    { config: "proxy.maxPipelined", default: "16" },
  ),
  maxSessions: text(
    "--max-sessions <count>",
    "sessions with services at a time; idle ones make room",
    wholeNumber(1, 1_000_000),
    { config: "proxy.maxSessions", default: "4096" },
  ),
  sessionTime: text(
    "--session-time <time>",
    "how long a session with a service stays open without flows",
    duration,
    { config: "proxy.sessionTime", default: "5m" },
  ),
};

/** The limits that {@link proxyFlags} give. */
export function proxyLimits(flags: Values<typeof proxyFlags>) {
  return {
    maxConnections: flags.maxConnections,
    maxConnectionsPerPeer: flags.peerConnections,
    maxHeadBytes: flags.maxHead,
    maxPipelined: flags.maxPipelined,
    handshakeMs: flags.handshakeTime,
    connectMs: flags.connectTime,
    keepAliveMs: flags.keepAlive,
    idleMs: flags.idleTime ?? 0,
    halfClosedMs: flags.halfClosedTime,
  };
}
