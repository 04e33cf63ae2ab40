import { list, text, toggle } from "../framework/flag.ts";
import { publicFrontFlags } from "../framework/frontFlags.ts";
import { anyText, httpUrl, portOrHostAndPort } from "../framework/values.ts";

/** Flags of the console. */
export const consoleFlags = {
  listen: text(
    "--listen <host:port>",
    "address of the page; :port is loopback",
    portOrHostAndPort,
    { env: "BLOCKCLOUD_CONSOLE_LISTEN", config: "console.listen", default: "127.0.0.1:8060" },
  ),
  index: text(
    "--index <url>",
    "URL of the index; without it the page reads the chain alone",
    httpUrl,
    { env: "BLOCKCLOUD_INDEX", config: "console.index" },
  ),
  hostName: list(
    "--host-name <name...>",
    "names under which the page is served, beside localhost and addresses",
    anyText.regex(/^[a-z0-9.-]{1,253}$/i, "Give a host name without port."),
    { config: "console.hostNames" },
  ),
  testWallet: toggle(
    "--test-wallet",
    "devnet switch: offer the well-known test accounts of an embedded chain in the page",
    { config: "console.testWallet" },
  ),
  ...publicFrontFlags("console", {
    ...{ connections: "1000", peerConnections: "128", keepAlive: "1m" },
    ...{ unread: "128", peerUnread: "32" },
  }),
};
