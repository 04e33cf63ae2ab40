import type { Hex } from "viem";
import { ChainAccess, type ChainPace } from "../chain/access.ts";
import { Announcements } from "../chain/announcements.ts";
import { Challenges } from "../chain/challenges.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { FeePolicy } from "../chain/transactions/fees.ts";
import { GAS_PER_ROUND } from "../chain/runway.ts";
import { Services } from "../chain/services.ts";
import { WhenReachable, withCheck } from "../chain/whenReachable.ts";
import type { CoralOptions } from "../coral/options.ts";
import { disposable, inOrder, type Worker } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { ChallengeResponder } from "./duties/challengeResponder.ts";
import type { GatewayLimits } from "./gateway/options.ts";
import { Announcer } from "./publish/announcer.ts";
import { ProviderMetrics } from "./metrics.ts";
import { createPresence } from "./publish/presence.ts";
import { Provider } from "./provider.ts";
import { Settler } from "./duties/settler.ts";
import { StatusWatch } from "./duties/statusWatch.ts";
import { ServiceCheck } from "./serviceCheck.ts";
import { providerStoreFile } from "./store.ts";

export interface ProviderOptions {
  /** The preferred RPC endpoint, then its fallbacks. */
  rpcUrls: readonly string[];
  /** The polling of the head. */
  pace?: ChainPace | undefined;
  fees?: FeePolicy | undefined;
  deployment: Deployment;
  /** The service number. */
  number: bigint;
  /** Signs receipts and records. */
  serviceKey: Hex;
  /** Earlier service keys, for challenges that were opened while one of them was in effect. */
  previousKeys: readonly Hex[];
  /** Pays for transactions. */
  walletKey: Hex;
  /** The HTTP server behind the gateway. */
  upstream: URL;
  listen: { host: string; port: number };
  /** URL at which clients reach the gateway; without it, the address that it listens on. */
  endpoint: string | undefined;
  /** Limits of the gateway, and the proxies in front of it. */
  gateway?: GatewayLimits | undefined;
  /** Folder of the worker's state. */
  stateDir: string;
  /** The provider's node of the record network. */
  coral: CoralOptions;
  /** Epochs that one settlement collects. */
  settleEvery: number;
}

export interface ProviderEnvironment {
  timers: Timers;
  log: Logger;
  /** The registry in which the provider counts its events. */
  metrics?: Metrics;
  /**
   * Ends the agent where the chain, which could not be reached at the start, says later that the service is
   * not one that it can serve; without it, the agent goes on and is unhealthy.
   */
  fail?: ((error: unknown) => void) | undefined;
}

/**
 * Assembles a provider's agent, ready to start.
 *
 * @example
 * await using provider = createProvider(
 *   {
 *     deployment: loadDeployment("deployments/sepolia.json"),
 *     rpcUrls: ["https://rpc.example"],
 *     number: 7n,
 *     serviceKey,
 *     previousKeys: [],
 *     walletKey,
 *     upstream: new URL("http://127.0.0.1:3000"),
 *     listen: { host: "0.0.0.0", port: 8080 },
 *     endpoint: "https://weather.example",
 *     stateDir: ".blockcloud",
 *     coral: { chainId, registry, listen: ["/ip4/0.0.0.0/tcp/4170"], bootstrap, subscribe: false },
 *     settleEvery: 24,
 *   },
 *   { timers: systemTimers, log: createLogger({ name: "provider", level: "info" }) },
 * );
 * await provider.start();
 */
export function createProvider(options: ProviderOptions, environment: ProviderEnvironment): Worker {
  const { deployment, number, serviceKey } = options;
  const { timers, log, metrics: registry = createMetrics("provider") } = environment;
  const metrics = new ProviderMetrics(registry);
  const chain = new ChainAccess(options, { timers, log, metrics: registry, listeners: [metrics] });
  const { client, time } = chain;
  const services = new Services(client, deployment);
  const announcements = new Announcements({ client, deployment, time, services, log });
  const sender = chain.sender(options.walletKey, options.fees, GAS_PER_ROUND.provider);
  const { ground, gateways, whereabouts, store, publisher } = createPresence(
    {
      ...options,
      serviceId: rootServiceId(number),
      key: serviceKey,
      delegation: "0x",
      storeFile: providerStoreFile(options.stateDir, deployment, number),
    },
    { chain, timers, log, metrics, registry },
  );
  const announcer = new Announcer(
    { number, serviceKey, endpoints: () => whereabouts.endpoints() },
    { deployment, announcements, sender, time, store, log },
  );
  const settler = new Settler(
    { number, everyEpochs: options.settleEvery },
    { client, deployment, sender, time, log },
  );
  const challenges = new Challenges(client, deployment);
  const responder = new ChallengeResponder(
    { number, keys: [serviceKey, ...options.previousKeys] },
    {
      deployment,
      challenges,
      sender,
      time,
      timers,
      log,
      metrics,
    },
  );
  const statusWatch = new StatusWatch({ number }, { services, log, metrics });
  const provider = new Provider({
    responder,
    publisher: publisher(announcer),
    announcer,
    settler,
    statusWatch,
    time,
    log,
    metrics,
  });
  const check = new ServiceCheck(
    { number, keys: [serviceKey, ...options.previousKeys] },
    { services, challenges, time, timers },
  );
  const onChain = new WhenReachable(
    { waits: ["record", "answers to challenges", "pay"] },
    {
      chain: withCheck(chain, (signal) => check.run(signal)),
      always: gateways,
      rest: inOrder(ground, provider),
      ...{ timers, log, metrics: registry, fail: environment.fail },
    },
  );
  return disposable(onChain);
}
