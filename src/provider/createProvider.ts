import type { Hex } from "viem";
import { ChainAccess } from "../chain/access.ts";
import { Announcements } from "../chain/announcements.ts";
import { Challenges } from "../chain/challenges.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { FeePolicy } from "../chain/fees.ts";
import { Services } from "../chain/services.ts";
import type { CoralOptions } from "../coral/coralOptions.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { ChallengeResponder } from "./challengeResponder.ts";
import { Announcer } from "./announcer.ts";
import { ProviderMetrics } from "./metrics.ts";
import { createPresence } from "./presence.ts";
import { Provider } from "./provider.ts";
import { Settler } from "./settler.ts";
import { StatusWatch } from "./statusWatch.ts";
import { providerStoreFile } from "./store.ts";

export interface ProviderOptions {
  /** The preferred RPC endpoint, then those that stand in for it. */
  rpcUrls: readonly string[];
  fees?: FeePolicy | undefined;
  deployment: Deployment;
  /** The service number. */
  number: bigint;
  /** Signs receipts and records. */
  serviceKey: Hex;
  /** Earlier service keys, for challenges that were opened while one of them counted. */
  previousKeys: readonly Hex[];
  /** Pays for transactions. */
  walletKey: Hex;
  /** The HTTP server that the gateway stands in front of. */
  upstream: URL;
  listen: { host: string; port: number };
  /** Where clients reach the gateway; without it, where it listens. */
  endpoint: string | undefined;
  /** Folder of the worker's state. */
  stateDir: string;
  /** Its node of the record network. */
  coral: CoralOptions;
  /** Epochs that one settlement collects. */
  settleEvery: number;
}

export interface ProviderEnvironment {
  timers: Timers;
  log: Logger;
  /** Counts what happens, for whoever serves them. */
  metrics?: Metrics;
}

/** A provider's agent with everything it needs, ready to start. */
export function createProvider(
  options: ProviderOptions,
  environment: ProviderEnvironment,
): Startable {
  const { deployment, number, serviceKey } = options;
  const { timers, log, metrics: registry = createMetrics("provider") } = environment;
  const metrics = new ProviderMetrics(registry);
  const chain = new ChainAccess(options, { timers, log, metrics: registry, listeners: [metrics] });
  const { client, time } = chain;
  const services = new Services(client, deployment);
  const announcements = new Announcements({ client, deployment, time, services, log });
  const sender = chain.sender(options.walletKey, options.fees);
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
  const responder = new ChallengeResponder(
    { number, keys: [serviceKey, ...options.previousKeys] },
    {
      deployment,
      challenges: new Challenges(client, deployment),
      sender,
      time,
      timers,
      log,
      metrics,
    },
  );
  const statusWatch = new StatusWatch({ number }, { services, log, metrics });
  const provider = new Provider({
    gateway: gateways,
    responder,
    publisher: publisher(announcer),
    announcer,
    settler,
    statusWatch,
    time,
    log,
    metrics,
  });
  return inOrder(chain, ground, provider);
}
