import { isIPv6 } from "node:net";

/** The media type of a proxy auto-configuration file. */
export const PAC_TYPE = "application/x-ns-proxy-autoconfig";

/**
 * A proxy auto-configuration file: services through this proxy, all other destinations as without it.
 *
 * It says `PROXY`, not `SOCKS5`: with `PROXY`, every browser leaves names to the proxy, sends pages by HTTP or CONNECT
 * and WebSockets by CONNECT, and can ask for a password. For SOCKS5, older Firefox looks up names itself, and Chromium
 * has no passwords. There is no `DIRECT` behind it: a name of a service must never reach DNS.
 */
export function pacFile(address: string, port: number): string {
  const host = isIPv6(address) ? `[${address}]` : address;
  return `function FindProxyForURL(url, host) {
  var name = host.toLowerCase().replace(/\\.$/, "");
  if (/(^|\\.)bloc\\.(alt|internal)$/.test(name)) return "PROXY ${host}:${port}";
  return "DIRECT";
}
`;
}
