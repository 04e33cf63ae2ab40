import { createServer } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { deploymentTag, originOf, type Deployment } from "../chain/deployment.ts";
import { EndpointSet } from "../chain/rpc/failover.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { PublicHttpMetrics } from "../net/publicHttpMetrics.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { ApiFront, type ApiFrontOptions } from "./apiFront.ts";
import { IndexFolder } from "./indexFolder.ts";
import { Indexer, type IndexerOptions } from "./indexer.ts";
import { findPonder, type Installation } from "./installation.ts";
import { IndexerMetrics } from "./metrics.ts";
import { RpcFront } from "./rpcFront.ts";

export interface CreateIndexerOptions extends Omit<IndexerOptions, "pollMs"> {
  rpcUrls: readonly string[];
  /** Undefined: by the endpoints. */
  pollMs: number | undefined;
  front: ApiFrontOptions;
}

/** What an index needs before it can be assembled. */
export interface Prepared {
  installation: Installation;
  folder: IndexFolder;
}

/**
 * Finds Ponder, and opens the folder of a deployment's index.
 *
 * @throws BlockcloudError `INDEXER_MISSING`.
 */
export async function prepareIndexer(options: {
  /** Folder of this package. */
  root: string;
  /** Folder of the workers' state. */
  stateDir: string;
  deployment: Deployment;
}): Promise<Prepared> {
  const { root, stateDir, deployment } = options;
  const installation = await findPonder(root);
  const name = `indexer-${deploymentTag(deployment)}`;
  const folder = await IndexFolder.open(path.resolve(stateDir, name), deployment);
  return { installation, folder };
}

/** The contracts of indexer/ponder.config.ts. */
const INDEXED = [
  "registry",
  "labels",
  "staking",
  "proofOfService",
  "settlement",
  "rewardPool",
  "challengeBook",
  "cashier",
] as const;
/** Interval between polls for a new block, milliseconds: an endpoint on this machine costs nothing. */
const POLL_MS = { loopback: 250, other: 1_000 };

/** An index with its parts. */
export interface IndexParts extends Startable {
  readonly indexer: Indexer;
  readonly front: ApiFront;
}

/**
 * Assembles an index, ready to start.
 *
 * @throws BlockcloudError `RPC_URL_INVALID`.
 */
export function createIndexer(
  options: CreateIndexerOptions,
  { installation, folder }: Prepared,
  environment: {
    timers: Timers;
    log: Logger;
    fail: (error: unknown) => void;
    metrics?: Metrics;
  },
): IndexParts {
  const { deployment, rpcUrls } = options;
  const { timers, log, fail } = environment;
  const registry = environment.metrics ?? createMetrics("indexer");
  const metrics = new IndexerMetrics(registry);
  const endpoints = new EndpointSet(rpcUrls, deployment.chainId, {
    timers,
    log,
    origin: originOf(deployment),
  });
  const contracts = INDEXED.map((name) => deployment.contracts[name]);
  const request = (method: string, params: unknown) => endpoints.request(method, params);
  const rpc = new RpcFront({ contracts }, { timers, log, request });
  const pollMs = options.pollMs ?? (rpcUrls.every(isLoopback) ? POLL_MS.loopback : POLL_MS.other);
  const indexer = new Indexer(
    { ...options, pollMs },
    { timers, log, installation, folder, rpc, freePort, fail, metrics },
  );
  const front = new ApiFront(options.front, {
    log,
    metrics,
    refusals: new PublicHttpMetrics(registry),
    ponder: () => indexer.base,
    // `_meta { status }` names it; the ID has 15 digits, and no table has a column of this form.
    translate: (answer) => answer.replaceAll(`"id":${rpc.chainId},`, `"id":${deployment.chainId},`),
    status: async () => {
      const { chainId, genesis, epochSeconds, block, contracts } = deployment;
      const about = { chainId, genesis, epochSeconds, block, contracts };
      return { ...(await indexer.status()), deployment: about };
    },
  });
  return { ...inOrder(rpc, front, indexer), indexer, front };
}

function isLoopback(url: string): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
}

/** Ponder takes the next free port if another program takes this one first, and says which. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("There is no port.");
  return address.port;
}
