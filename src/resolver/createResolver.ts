import type { Hex } from "viem";
import { ChainAccess, type ChainPace } from "../chain/access.ts";
import { Announcements } from "../chain/announcements.ts";
import { deploymentTag, type Deployment } from "../chain/deployment.ts";
import { ServiceDirectory } from "../chain/directory.ts";
import { Services } from "../chain/services.ts";
import type { CoralOptions } from "../coral/options.ts";
import { createCoral } from "../coral/createCoral.ts";
import type { CoralNode } from "../coral/node.ts";
import { disposable, inOrder, type Worker } from "../node/lifecycle.ts";
import { silentLogger, type Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import { systemTimers, type Timers } from "../node/timers.ts";
import type { VerifiedRecord } from "../protocol/checkRecord.ts";
import { blockcloudDomain, type Domain } from "../protocol/typedData.ts";
import { verifyRecord } from "./verify/verifyRecord.ts";
import type { Answer, Change, Resolver } from "./answer.ts";
import { assembleResolver } from "./assemble.ts";
import type { ResolverLimits } from "./limits.ts";
import type { ServiceResolver } from "./serviceResolver.ts";

export interface ResolverOptions {
  /** The preferred RPC endpoint, then its fallbacks. */
  rpcUrls: readonly string[];
  /** The polling of the head. */
  pace?: ChainPace | undefined;
  deployment: Deployment;
  /**
   * Options of its record network node. Without bootstrap nodes, only announcements on chain are found. A
   * node that does not listen serves no other node.
   */
  coral?: Partial<
    Pick<
      CoralOptions,
      "listen" | "announce" | "bootstrap" | "subscribe" | "allowPrivate" | "limits" | "bookLimits"
    >
  >;
  /** Folder of the persistent state: the node's key and version floors, and the service table. */
  stateDir?: string | undefined;
  limits?: Partial<ResolverLimits>;
}

export interface ResolverEnvironment {
  timers?: Timers;
  log?: Logger;
  /** The registry in which the resolver counts its events. */
  metrics?: Metrics;
}

/** A resolver with a chain client and a node of the record network of its own. */
export class LocalResolver implements Resolver, Worker {
  readonly directory: ServiceDirectory;
  readonly network: CoralNode;
  readonly domain: Domain;
  readonly #chain: ChainAccess;
  readonly #resolver: ServiceResolver;
  readonly #worker: Worker;
  readonly #announcements: Announcements;
  readonly #log: Logger;

  /** @throws BlockcloudError `RPC_URL_INVALID`, `CORAL_ADDRESS_INVALID`, `STORE_TOO_NEW`. */
  constructor(options: ResolverOptions, environment: ResolverEnvironment = {}) {
    const { deployment, stateDir, coral = {}, limits } = options;
    const { timers = systemTimers, log = silentLogger } = environment;
    const metrics = environment.metrics ?? createMetrics("resolver");
    const shared = { deployment, timers, log };
    this.domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
    const chain = new ChainAccess(options, { timers, log, metrics });
    const { client, time } = chain;
    const directory = new ServiceDirectory({ ...shared, client, time });
    const services = new Services(client, deployment);
    const announcements = new Announcements({ ...shared, client, time, services });
    const { listen = [], bootstrap = [], subscribe = true } = coral;
    const name = `resolver-${deploymentTag(deployment)}`;
    const network = createCoral(
      {
        ...coral,
        ...{ listen, bootstrap, subscribe },
        // A node that listens decides by its addresses whether other nodes can reach it.
        clientMode: listen.length === 0 ? true : undefined,
        chainId: deployment.chainId,
        registry: deployment.contracts.registry,
        files: stateDir === undefined ? undefined : { folder: stateDir, name },
      },
      { authority: directory, now: () => time.now() * 1000, timers, log, metrics },
    );
    const { resolver, worker } = assembleResolver(
      { deployment, tableDir: stateDir, limits },
      { directory, network, announcements, time, timers, log, metrics },
    );
    this.directory = directory;
    this.network = network;
    this.#chain = chain;
    this.#announcements = announcements;
    this.#log = log;
    this.#resolver = resolver;
    this.#worker = disposable(inOrder(chain, directory, network, worker));
  }

  /** @throws BlockcloudError `CHAIN_UNREACHABLE`, `CHAIN_MISMATCH`, and the errors of the parts. */
  async start(): Promise<void> {
    await this.#worker.start();
    // The first read covers a day of events, so no lookup should wait for it.
    this.#announcements.refresh().catch((error: unknown) => {
      this.#log.warn("cannot read announcements", { error });
    });
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The chain's time, Unix milliseconds; once it has started. */
  now(): number {
    return this.#chain.time.now() * 1000;
  }

  lookup(serviceId: Hex): Answer | undefined {
    return this.#resolver.lookup(serviceId);
  }

  lookupName(name: string): Answer | undefined {
    return this.#resolver.lookupName(name);
  }

  resolve(
    name: string,
    options?: { signal?: AbortSignal; hops?: readonly string[]; newerThan?: number | undefined },
  ): Promise<Answer> {
    return this.#resolver.resolve(name, options);
  }

  /**
   * Checks a signed record that came from elsewhere, such as from the service itself.
   *
   * @throws BlockcloudError of `checkRecord`, `SERVICE_UNKNOWN`, `SERVICE_INACTIVE`; or the signal's reason.
   */
  async verifyRecord(record: Hex, signal: AbortSignal): Promise<VerifiedRecord> {
    const { domain, directory, network } = this;
    const now = this.#chain.time.now() * 1000;
    const revokedUpTo = (id: Hex) => network.revokedUpTo(id);
    return verifyRecord(record, { domain, directory, now, revokedUpTo }, signal);
  }

  watch(serviceId: Hex, listener: (change: Change) => void): () => void {
    return this.#resolver.watch(serviceId, listener);
  }

  watchAll(listener: (serviceId: Hex, change: Change) => void): () => void {
    return this.#resolver.watchAll(listener);
  }
}

/**
 * Creates a resolver in this process, ready to start. It reads the chain through the given RPC endpoints and
 * trusts no other source.
 *
 * @example
 * await using resolver = createResolver({ rpcUrls: ["http://127.0.0.1:8545"], deployment });
 * await resolver.start();
 * const { endpoints } = await resolver.resolve("weather.bloc.alt");
 */
export function createResolver(
  options: ResolverOptions,
  environment?: ResolverEnvironment,
): LocalResolver {
  return new LocalResolver(options, environment);
}
