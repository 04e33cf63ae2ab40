import { text } from "../framework/flag.ts";
import { hostAndPort, httpUrl, wholeNumber } from "../framework/values.ts";

/** `--listen` of the gateway. */
export const listen = text(
  "--listen <host:port>",
  "address at which the gateway listens",
  hostAndPort,
  {
    env: "BLOCKCLOUD_LISTEN",
    config: "provider.listen",
    required: true,
  },
);

/** The HTTP server behind the gateway. */
export const upstream = text("--upstream <url>", "HTTP server behind the gateway", httpUrl, {
  env: "BLOCKCLOUD_UPSTREAM",
  config: "provider.upstream",
  required: true,
});

/** The URL at which clients reach the gateway. */
export const endpoint = text(
  "--endpoint <url>",
  "URL at which clients reach the gateway (default: where it listens, for tests on one machine)",
  httpUrl,
  { env: "BLOCKCLOUD_ENDPOINT", config: "provider.endpoint" },
);

/** Interval between settlements. */
export const settleEvery = text(
  "--settle-every <epochs>",
  "epochs between settlements",
  wholeNumber(1, 200),
  { config: "provider.settleEvery", default: "24" },
);
