import { isIP } from "node:net";
import * as z from "zod";
import { isLoopback } from "../../net/addresses.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { parseMapRange } from "./map/range.ts";

/** Half of what Node's timers can do: they end at once after more. */
const LONGEST_MS = 2 ** 30;
const milliseconds = z.int().min(1).max(LONGEST_MS);
/** 0 for no limit. */
const count = z.int().min(0);
const port = z.int().min(0).max(65_535);
const RANGE_RULE = "not a range of four addresses or more in 127.0.0.0/8, outside of 127.0.0.0/16";
const LOOPBACK_RULE = "not a loopback address";

const mapSchema = z.strictObject({
  /** Loopback addresses for services, for example `127.77.0.0/16`. */
  range: z.string().refine((text) => parseMapRange(text) !== undefined, RANGE_RULE),
  /** Ports at which each address listens. */
  ports: z
    .array(z.int().min(1).max(65_535))
    .min(1)
    .max(64)
    .refine((ports) => new Set(ports).size === ports.length, "a port is named twice"),
  /** Where the proxy's DNS listens, over UDP and TCP. */
  dns: z.strictObject({ host: z.string().refine(isLoopback, LOOPBACK_RULE), port }),
  /** Addresses at which the proxy listens at a time. */
  maxAddresses: z.int().min(1).max(65_536).default(1024),
  /** Services that may get an address in a minute; 0 for no limit. A page can ask for many names. */
  newPerMinute: count.default(120),
});

const schema = z.strictObject({
  /** Port 0 chooses a free port: see `SalProxy.address`. */
  listen: z.strictObject({
    host: z
      .string()
      .refine((host) => isIP(host) !== 0, "not an IP address")
      .default("127.0.0.1"),
    port,
  }),
  /** Services at loopback addresses, for programs without a proxy setting. */
  map: mapSchema.optional(),
  /** Serves only the proxy's own user, and holders of its password: for a proxy with an identity or a wallet. */
  private: z.boolean().default(false),
  /** A file of mode 600 with the password that programs must give. */
  passwordFile: z.string().min(1).optional(),
  /** Connections of programs in total. */
  maxConnections: count.default(4096),
  /** Connections of one address; all programs of this host have the same one. */
  maxConnectionsPerPeer: count.default(2048),
  /** Largest head of an HTTP request. */
  maxHeadBytes: z
    .int()
    .min(1024)
    .max(1024 * 1024)
    .default(16 * 1024),
  /** Requests that one HTTP connection may send ahead of their responses. */
  maxPipelined: z.int().min(1).max(1024).default(16),
  /** How long a program may take to say what it wants. */
  handshakeMs: milliseconds.default(10_000),
  /** How long opening a flow may take. */
  connectMs: milliseconds.default(30_000),
  /** How long an HTTP connection stays open between two requests. */
  keepAliveMs: milliseconds.default(120_000),
  /** How long a joined connection may carry nothing; 0 for no limit. */
  idleMs: z.int().min(0).max(LONGEST_MS).default(0),
  /** The same for one of which a direction has ended. */
  halfClosedMs: milliseconds.default(300_000),
  /** How long `stop()` lets open connections finish. */
  drainMs: z.int().min(0).max(LONGEST_MS).default(10_000),
});

/** Options of a proxy. All fields after `listen` have a default. */
export type ProxyOptions = z.input<typeof schema>;
/** Options with all defaults filled in. */
export type ProxySettings = Readonly<z.output<typeof schema>>;

/**
 * Fills in the defaults, and refuses values that would fail only later.
 *
 * @param canIdentify Whether this system tells the user of a peer's socket.
 * @throws BlockcloudError `PROXY_OPTIONS`.
 */
export function proxySettings(options: ProxyOptions, canIdentify: boolean): ProxySettings {
  const parsed = schema.safeParse(options);
  if (!parsed.success) {
    const { path = [], message = "" } = parsed.error.issues[0] ?? {};
    throw new BlockcloudError(
      "PROXY_OPTIONS",
      `The proxy's option ${path.join(".")} is wrong: ${message}.`,
    );
  }
  const settings = parsed.data;
  const { host } = settings.listen;
  if (settings.map !== undefined && isGuarded(settings) && !canIdentify) {
    throw new BlockcloudError(
      "PROXY_OPTIONS",
      "This system does not tell whose program connects, and at mapped addresses no program gives a password.",
      { remedy: "Map addresses without an identity, a wallet and a password file." },
    );
  }
  if (settings.passwordFile !== undefined) return settings;
  if (!isLoopback(host)) {
    throw new BlockcloudError(
      "PROXY_OPTIONS",
      `Other hosts could use a proxy on ${host} without a password.`,
      { remedy: "Listen on 127.0.0.1, or name a password file." },
    );
  }
  if (settings.private && !canIdentify) {
    throw new BlockcloudError(
      "PROXY_OPTIONS",
      "This system does not tell whose program connects, so a private proxy needs a password.",
      { remedy: "Name a password file." },
    );
  }
  return settings;
}

/** Whether not every program of this host may use the proxy. */
export function isGuarded(settings: Pick<ProxySettings, "private" | "passwordFile">): boolean {
  return settings.private || settings.passwordFile !== undefined;
}
