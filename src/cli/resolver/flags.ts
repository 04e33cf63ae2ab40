import { text, toggle } from "../framework/flag.ts";
import { portOrHostAndPort, wholeNumber } from "../framework/values.ts";

/** The address of the HTTP server. */
export const http = text(
  "--http <host:port>",
  "address of the HTTP server; :port is loopback (default: 127.0.0.1:8053 without --dns)",
  portOrHostAndPort,
  { env: "BLOCKCLOUD_RESOLVER_HTTP", config: "resolver.http" },
);

/** The address of the DNS server. */
export const dns = text(
  "--dns <host:port>",
  "address of the DNS server for bloc.alt, over UDP and TCP; :port is loopback",
  portOrHostAndPort,
  { env: "BLOCKCLOUD_RESOLVER_DNS", config: "resolver.dns" },
);

/** Whether other processes may listen on the same addresses. */
export const sharePorts = toggle(
  "--share-ports",
  "let further resolvers with this flag listen on the same addresses; the system divides the clients",
  { config: "resolver.sharePorts" },
);

/** The limit over HTTP. */
export const httpRate = text(
  "--http-rate <names>",
  "maximum names a second for one client address over HTTP; 0: no limit",
  wholeNumber(0, 1_000_000),
  { config: "resolver.httpRate", default: "100" },
);

/** The limit over DNS. */
export const dnsRate = text(
  "--dns-rate <answers>",
  "maximum DNS answers a second to one network (/24, /64) over UDP; 0: no limit; loopback has none",
  wholeNumber(0, 1_000_000),
  { config: "resolver.dnsRate", default: "200" },
);

/** `--allow-loopback` of the resolver. */
export const allowLoopback = toggle(
  "--allow-loopback",
  "devnet switch: connect to nodes on loopback, and answer DNS with loopback addresses",
  { config: "resolver.allowLoopback" },
);
