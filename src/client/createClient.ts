import { createChainClient } from "../chain/client.ts";
import { loadDeployment, type Deployment } from "../chain/deployment.ts";
import { loadNetwork } from "../chain/networks.ts";
import type { Resolve } from "../net/resolve.ts";
import { silentLogger, type Logger } from "../node/logger.ts";
import { systemTimers, type Timers } from "../node/timers.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { ownSource, remoteSource, type ResolveSource } from "../resolver/sources.ts";
import type { Client } from "./client.ts";
import { ServiceClient } from "./serviceClient.ts";

/** Which contracts: a network that the package knows by name, or a deployment, read or as a file. */
export type ClientNetwork =
  | { network: string; deployment?: undefined }
  | { network?: undefined; deployment: Deployment | string };

/** How a client reaches the chain and finds services. */
export type ClientOptions = ClientNetwork & {
  /** RPC endpoints of your own: the preferred one, then those that stand in for it. */
  rpc: string | URL | readonly (string | URL)[];
  /**
   * URL of a resolver to ask. Its answers are checked against the chain by `rpc`. Without it the client runs
   * a resolver of its own.
   */
  resolver?: string | URL;
  /**
   * For a resolver of its own: multiaddrs of nodes of the record network. Without any it finds only services
   * that were announced on chain.
   */
  bootstrap?: readonly string[];
  /** The most time for one `fetch`, milliseconds; 30,000 if not said. */
  timeMs?: number;
  /** The longest response body, bytes; 16 MiB if not said. */
  maxBytes?: number;
  /** Whether services and peers on this host may be reached: for a devnet. */
  allowLoopback?: boolean;
};

/** What a client has of its surroundings; tests bring their own. */
export interface ClientEnvironment {
  timers?: Timers;
  log?: Logger;
  /** Finds the addresses of a host; without it, the system's name servers are asked. */
  resolveHost?: Resolve;
}

/** The most time for one request, milliseconds. */
const TIME_MS = 30_000;
/** The longest response body, bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * A client of services. It believes nobody: what a resolver or a service says is checked against the chain,
 * which it reads by RPC endpoints of yours.
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
  const { timers = systemTimers, log = silentLogger, resolveHost } = environment;
  const { timeMs = TIME_MS, maxBytes = MAX_BYTES, allowLoopback = false } = options;
  for (const [name, value] of Object.entries({ timeMs, maxBytes })) checkPositive(name, value);
  const deployment = deploymentOf(options);
  return new ServiceClient(
    { deployment, limits: { timeMs, maxBytes, allowLoopback } },
    { createSource: () => sourceOf(options, deployment), timers, log, resolveHost },
  );
}

function deploymentOf({ network, deployment }: ClientOptions): Deployment {
  if ((network === undefined) === (deployment === undefined)) {
    throw invalidOptions("Neither network nor deployment, or both.", "Give one of the two.");
  }
  if (network !== undefined) return loadNetwork(network);
  return typeof deployment === "string" ? loadDeployment(deployment) : deployment;
}

function sourceOf(options: ClientOptions, deployment: Deployment): ResolveSource {
  const { rpc, resolver, bootstrap, allowLoopback = false } = options;
  const rpcUrls = (typeof rpc === "string" || rpc instanceof URL ? [rpc] : rpc).map(String);
  const chain = { rpcUrls, deployment };
  // Says at once what is wrong with the URLs; it connects to none.
  createChainClient(rpcUrls, deployment.chainId);
  if (resolver === undefined) {
    const node = { bootstrap: bootstrap ?? [], subscribe: true, allowPrivate: allowLoopback };
    return ownSource(chain, node);
  }
  if (bootstrap !== undefined) {
    throw invalidOptions(
      "Both resolver and bootstrap.",
      "Give resolver to ask one, or bootstrap to run one in this process.",
    );
  }
  const url = URL.parse(String(resolver));
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalidOptions("resolver is no http or https URL.", "Give http://host:port.");
  }
  return remoteSource(url, chain);
}

function checkPositive(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw invalidOptions(`${name} is ${value}.`, "Give a whole number above 0.");
}

function invalidOptions(what: string, remedy: string): BlockcloudError {
  return new BlockcloudError("CLIENT_OPTIONS_INVALID", what, { remedy });
}
