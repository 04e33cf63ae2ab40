import { text, toggle } from "../framework/flag.ts";
import { portOrHostAndPort, wholeNumber } from "../framework/values.ts";

/** Where HTTP is answered. */
export const http = text(
  "--http <host:port>",
  "where HTTP is answered; :port is this host alone (default: 127.0.0.1:8053 without --dns)",
  portOrHostAndPort,
  { env: "BLOCKCLOUD_RESOLVER_HTTP", config: "resolver.http" },
);

/** Where DNS is answered. */
export const dns = text(
  "--dns <host:port>",
  "where DNS is answered for bloc.alt, over UDP and TCP; :port is this host alone",
  portOrHostAndPort,
  { env: "BLOCKCLOUD_RESOLVER_DNS", config: "resolver.dns" },
);

/** The limit over HTTP. */
export const httpRate = text(
  "--http-rate <names>",
  "names a second that one address may ask for over HTTP; 0: no limit",
  wholeNumber(0, 1_000_000),
  { config: "resolver.httpRate", default: "100" },
);

/** The limit over DNS. */
export const dnsRate = text(
  "--dns-rate <answers>",
  "DNS answers a second to one network (/24, /64) over UDP; 0: no limit; loopback has none",
  wholeNumber(0, 1_000_000),
  { config: "resolver.dnsRate", default: "200" },
);

/** `--allow-loopback` of the resolver. */
export const allowLoopback = toggle(
  "--allow-loopback",
  "devnet switch: connect to nodes on loopback, and answer DNS with loopback addresses",
  { config: "resolver.allowLoopback" },
);
