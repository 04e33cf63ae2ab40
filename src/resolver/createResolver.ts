import type { Hex } from "viem";
import { ChainAccess } from "../chain/access.ts";
import { Announcements } from "../chain/announcements.ts";
import { deploymentTag, type Deployment } from "../chain/deployment.ts";
import { ServiceDirectory } from "../chain/directory.ts";
import { Services } from "../chain/services.ts";
import type { CoralOptions } from "../coral/coralOptions.ts";
import { createCoral } from "../coral/createCoral.ts";
import type { CoralNode } from "../coral/node.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import { silentLogger, type Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import { systemTimers, type Timers } from "../node/timers.ts";
import type { Answer, Change, Resolver } from "./answer.ts";
import { assembleResolver } from "./assemble.ts";
import type { ResolverLimits } from "./limits.ts";
import type { ServiceResolver } from "./serviceResolver.ts";

export interface ResolverOptions {
  /** The preferred RPC endpoint, then those that stand in for it. */
  rpcUrls: readonly string[];
  deployment: Deployment;
  /**
   * Its node of the record network; without addresses to join by, only announcements on chain are found. A
   * node that listens nowhere serves nobody.
   */
  coral?: Partial<
    Pick<
      CoralOptions,
      "listen" | "announce" | "bootstrap" | "subscribe" | "allowPrivate" | "limits" | "bookLimits"
    >
  >;
  /** Folder of what must outlive the process: the node's key and version floors, and the service table. */
  stateDir?: string | undefined;
  limits?: Partial<ResolverLimits>;
}

export interface ResolverEnvironment {
  timers?: Timers;
  log?: Logger;
  /** Counts what happens, for whoever serves them. */
  metrics?: Metrics;
}

/** A resolver with a chain client and a node of the record network of its own. */
export class LocalResolver implements Resolver, Startable {
  readonly directory: ServiceDirectory;
  readonly network: CoralNode;
  readonly #chain: ChainAccess;
  readonly #resolver: ServiceResolver;
  readonly #worker: Startable;
  readonly #announcements: Announcements;
  readonly #log: Logger;

  /** @throws BlockcloudError `RPC_URL_INVALID`, `CORAL_ADDRESS_INVALID`, `STORE_TOO_NEW`. */
  constructor(options: ResolverOptions, environment: ResolverEnvironment = {}) {
    const { deployment, stateDir, coral = {}, limits } = options;
    const { timers = systemTimers, log = silentLogger } = environment;
    const metrics = environment.metrics ?? createMetrics("resolver");
    const shared = { deployment, timers, log };
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
        // One that listens finds out by its addresses whether others can reach it.
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
    this.#worker = inOrder(chain, directory, network, worker);
  }

  /** @throws BlockcloudError `CHAIN_UNREACHABLE`, `CHAIN_MISMATCH`, and what the parts throw. */
  async start(): Promise<void> {
    await this.#worker.start();
    // A day of events, the first time: no look-up should have to wait for it.
    this.#announcements.refresh().catch((error: unknown) => {
      this.#log.warn("cannot read announcements", { error });
    });
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }

  /** The chain's time, Unix milliseconds; once it has started. */
  now(): number {
    return this.#chain.time.now() * 1000;
  }

  lookUp(serviceId: Hex): Answer | undefined {
    return this.#resolver.lookUp(serviceId);
  }

  lookUpName(name: string): Answer | undefined {
    return this.#resolver.lookUpName(name);
  }

  resolve(
    name: string,
    options?: { signal?: AbortSignal; hops?: readonly string[] },
  ): Promise<Answer> {
    return this.#resolver.resolve(name, options);
  }

  watch(serviceId: Hex, listener: (change: Change) => void): () => void {
    return this.#resolver.watch(serviceId, listener);
  }

  watchAll(listener: (serviceId: Hex, change: Change) => void): () => void {
    return this.#resolver.watchAll(listener);
  }
}

/**
 * A resolver in this process, ready to start: it reads the chain through the RPC endpoints given and trusts
 * nobody else.
 *
 * @example
 * const resolver = createResolver({ rpcUrls: ["http://127.0.0.1:8545"], deployment });
 * await resolver.start();
 * const { endpoints } = await resolver.resolve("weather.bloc.alt");
 */
export function createResolver(
  options: ResolverOptions,
  environment?: ResolverEnvironment,
): LocalResolver {
  return new LocalResolver(options, environment);
}
