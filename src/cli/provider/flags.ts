import { text } from "../framework/flag.ts";
import { hostAndPort, httpUrl, wholeNumber } from "../framework/values.ts";

/** `--listen` of the gateway. */
export const listen = text("--listen <host:port>", "where the gateway listens", hostAndPort, {
  env: "BLOCKCLOUD_LISTEN",
  config: "provider.listen",
  required: true,
});

/** The HTTP server behind the gateway. */
export const upstream = text("--upstream <url>", "HTTP server to stand in front of", httpUrl, {
  env: "BLOCKCLOUD_UPSTREAM",
  config: "provider.upstream",
  required: true,
});

/** Where clients reach the gateway. */
export const endpoint = text(
  "--endpoint <url>",
  "where clients reach the gateway (default: where it listens, for tests on one machine)",
  httpUrl,
  { env: "BLOCKCLOUD_ENDPOINT", config: "provider.endpoint" },
);

/** How often pay is collected. */
export const settleEvery = text(
  "--settle-every <epochs>",
  "epochs that one settlement collects",
  wholeNumber(1, 200),
  { config: "provider.settleEvery", default: "24" },
);
