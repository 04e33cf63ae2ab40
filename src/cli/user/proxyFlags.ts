import { limit } from "../framework/frontFlags.ts";
import { file, text, toggle } from "../framework/flag.ts";
import { anyText, duration, hostAndPort } from "../framework/values.ts";

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
};
