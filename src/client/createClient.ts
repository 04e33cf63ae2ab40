import { createChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { chosenDeployment, type NetworkChoice } from "../chain/networks.ts";
import type { Resolve } from "../net/resolve.ts";
import { silentLogger, type Logger } from "../node/logger.ts";
import { systemTimers, type Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { ownSource, remoteSource, type ResolveSource } from "../resolver/sources.ts";
import type { Scheduler } from "../node/scheduler.ts";
import type { PathObserver } from "../sal/client/dependencies.ts";
import type { PayerOptions } from "../sal/pay/payer.ts";
import type { DirectSettings } from "../sal/upgrade/settings.ts";
import type { Client } from "./client.ts";
import { ServiceClient } from "./serviceClient.ts";

/** The contracts: the name of a network in the package, or a deployment, loaded or as a file. */
export type ClientNetwork = NetworkChoice;

/** Options for access to the chain and to services. */
export type ClientOptions = ClientNetwork & {
  /** Your RPC endpoints: the preferred one, then its fallbacks. */
  rpc: string | URL | readonly (string | URL)[];
  /**
   * URL of a resolver to query. Its answers are checked against the chain by `rpc`. Without it the client runs its
   * own resolver.
   */
  resolver?: string | URL;
  /**
   * For the client's own resolver: multiaddrs of nodes of the record network. Without them it finds only services
   * that were announced on chain.
   */
  bootstrap?: readonly string[];
  /** Time limit of one `fetch`, milliseconds; default 30,000. */
  timeMs?: number;
  /** Size limit of a response body, bytes; default 16 MiB. */
  maxBytes?: number;
  /** Most sessions of the SAL at a time; idle ones make room. Default 4,096. */
  maxSessions?: number;
  /** How long a session of the SAL stays open without flows, milliseconds; default 300,000. */
  sessionMs?: number;
  /** How the client leaves relays for direct paths to services behind NAT. */
  direct?: DirectSettings;
  /** Permits services and peers on this host, for a devnet. */
  allowLoopback?: boolean;
  /**
   * 32 secret bytes. A service that asks who its client is gets a proof by a key that is derived for it: no two
   * services see the same client. Without them such services refuse this client.
   */
  identity?: Uint8Array;
};

/** Dependencies of a client; tests replace them. */
export interface ClientEnvironment {
  timers?: Timers;
  log?: Logger;
  /** Finds the addresses of a host; default: the system's name servers. */
  resolveHost?: Resolve;
  /** The clock of the SAL. */
  clock?: Scheduler;
  /** Is told the moves of sessions. */
  observer?: PathObserver;
  /** Pays for services that have a price; without it, they serve only their free allowance. */
  payer?: PayerOptions;
}

/** Time limit of one request, milliseconds. */
const TIME_MS = 30_000;
/** Size limit of a response body, bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Creates a client of services. It checks the answers of resolvers and services against the chain, which it reads by
 * your RPC endpoints.
 *
 * @throws BlockcloudError `CLIENT_OPTIONS_INVALID`, `NETWORK_UNKNOWN`, `DEPLOYMENT_INVALID`,
 *   `DEPLOYMENT_OTHER_VERSION`, `RPC_URL_INVALID`.
 * @example
 * import { createClient } from "blockcloud";
 *
 * await using client = createClient({ network: "sepolia", rpc: "https://rpc.example" });
 * const response = await client.fetch("bloc://weather/forecast");
 * console.log(await response.text());
 */
export function createClient(options: ClientOptions, environment: ClientEnvironment = {}): Client {
  const {
    timers = systemTimers,
    log = silentLogger,
    resolveHost,
    clock,
    observer,
    payer,
  } = environment;
  const { timeMs = TIME_MS, maxBytes = MAX_BYTES, allowLoopback = false } = options;
  const { maxSessions, sessionMs, direct = {} } = options;
  const { triesPerMinute } = direct;
  const numbers = { timeMs, maxBytes, maxSessions, sessionMs, triesPerMinute };
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined) checkPositive(name, value);
  }
  const deployment = deploymentOf(options);
  return new ServiceClient(
    {
      ...{ deployment, direct },
      limits: { timeMs, maxBytes, allowLoopback },
      sal: {
        identity: checkedIdentity(options.identity),
        ...(maxSessions !== undefined && { maxSessions }),
        ...(sessionMs !== undefined && { idleMs: sessionMs }),
      },
    },
    {
      createSource: () => sourceOf(options, deployment),
      ...{ timers, log, resolveHost, clock, observer, payer },
    },
  );
}

function deploymentOf(options: ClientOptions): Deployment {
  const deployment = chosenDeployment(options);
  if (deployment !== undefined) return deployment;
  throw invalidOptions(
    "Neither network nor deployment is given, or both are.",
    "Give one of the two.",
  );
}

function sourceOf(options: ClientOptions, deployment: Deployment): ResolveSource {
  const { rpc, resolver, bootstrap, allowLoopback = false } = options;
  const rpcUrls = (typeof rpc === "string" || rpc instanceof URL ? [rpc] : rpc).map(String);
  const chain = { rpcUrls, deployment };
  // Checks the URLs at once, without a connection.
  createChainClient(rpcUrls, deployment.chainId);
  if (resolver === undefined) {
    const node = { bootstrap: bootstrap ?? [], subscribe: true, allowPrivate: allowLoopback };
    return ownSource(chain, node);
  }
  if (bootstrap !== undefined) {
    throw invalidOptions(
      "Both resolver and bootstrap are given.",
      "Give resolver to query a resolver, or bootstrap to run one in this process.",
    );
  }
  const url = URL.parse(String(resolver));
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalidOptions("resolver is not an http or https URL.", "Give http://host:port.");
  }
  return remoteSource(url, chain);
}

function checkPositive(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw invalidOptions(`${name} is ${value}.`, "Give a whole number above 0.");
}

/** The message does not repeat it. */
function checkedIdentity(identity: Uint8Array | undefined): Uint8Array | undefined {
  if (identity === undefined || identity.length === 32) return identity;
  throw invalidOptions(`identity has ${identity.length} bytes.`, "Give 32 secret bytes.");
}

function invalidOptions(what: string, remedy: string): BlockcloudError {
  return new BlockcloudError("CLIENT_OPTIONS_INVALID", what, { remedy });
}
