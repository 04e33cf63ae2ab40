import { parseUpstream, UPSTREAM_FORMS } from "../../net/upstreamUrl.ts";
import { parsePort } from "../../net/servedPort.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { file, list, text, toggle } from "../framework/flag.ts";
import {
  anyText,
  drainTime,
  hostAndPortOrFd,
  httpUrl,
  refine,
  wholeNumber,
} from "../framework/values.ts";

/** The file with the services of an agent that serves several. */
export const servicesFile = file(
  "--services-file <file>",
  "file with several services, in place of the flags of one; SIGHUP reads it again",
  anyText,
  { env: "BLOCKCLOUD_SERVICES_FILE", config: "provider.servicesFile" },
);

/** `--listen` of the gateway. */
export const listen = text(
  "--listen <host:port>",
  "address at which the gateway listens, or fd:3 for a socket that systemd passes",
  hostAndPortOrFd,
  {
    env: "BLOCKCLOUD_LISTEN",
    config: "provider.listen",
    required: true,
  },
);

/** The HTTP server behind the gateway. */
export const upstream = text(
  "--upstream <url>",
  "HTTP server behind the gateway: http://host:port, https://host or unix:/run/app.sock",
  refine(parseUpstream, UPSTREAM_FORMS),
  { env: "BLOCKCLOUD_UPSTREAM", config: "provider.upstream", required: true },
);

/** The URL at which clients reach the gateway. */
export const endpoint = text(
  "--endpoint <url>",
  "URL at which clients reach the gateway (default: where it listens, for tests on one machine)",
  httpUrl,
  { env: "BLOCKCLOUD_ENDPOINT", config: "provider.endpoint" },
);

/** How long an old gateway stays open. */
export const drain = text(
  "--drain <time>",
  "how long a gateway that is left stays open, 1s to 24h; 60s is the lease of a record",
  drainTime,
  { config: "provider.drain", default: "60s" },
);

const servedPort = refine((given) => {
  try {
    return parsePort(given);
  } catch (error) {
    if (error instanceof BlockcloudError) return undefined;
    throw error;
  }
}, "Give <port>=http, <port>=tcp:<host>:<port> or <port>=tcp:unix:<path>.");

/** Ports in the SAL. */
export const ports = list(
  "--port <number=mode...>",
  "ports for the SAL besides 80: 5432=tcp:127.0.0.1:5432, 22=tcp:unix:/run/ssh.sock or 8080=http",
  servedPort,
  { config: "provider.ports" },
);

/** Interval between settlements. */
export const settleEvery = text(
  "--settle-every <epochs>",
  "epochs between settlements",
  wholeNumber(1, 200),
  { config: "provider.settleEvery", default: "24" },
);

/** Whether the agent may replace one that runs. */
export const takeOver = toggle(
  "--take-over",
  "take the place of the agent that runs with this key and state folder, if there is one, without cutting anybody off",
  { env: "BLOCKCLOUD_TAKE_OVER", config: "provider.takeOver" },
);
