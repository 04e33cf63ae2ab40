import type { Hex } from "viem";
import { ChainAccess } from "../chain/access.ts";
import { Announcements } from "../chain/announcements.ts";
import { Challenges } from "../chain/challenges.ts";
import type { Deployment } from "../chain/deployment.ts";
import { ServiceDirectory } from "../chain/directory.ts";
import type { FeePolicy } from "../chain/fees.ts";
import { Services } from "../chain/services.ts";
import type { CoralOptions } from "../coral/coralOptions.ts";
import { createCoral } from "../coral/createCoral.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { hexToBytes } from "../protocol/bytes.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import { ChallengeResponder } from "./challengeResponder.ts";
import { Announcer } from "./announcer.ts";
import { Gateway } from "./gateway.ts";
import { Gateways, type ListenAddress } from "./gateways.ts";
import { LEASE_MS } from "./lease.ts";
import { ProviderMetrics } from "./metrics.ts";
import { Provider } from "./provider.ts";
import { Publisher } from "./publisher.ts";
import { Settler } from "./settler.ts";
import { StatusWatch } from "./statusWatch.ts";
import { ProviderStore, providerStoreFile } from "./store.ts";
import { Whereabouts } from "./whereabouts.ts";

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
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  const now = () => time.now() * 1000;
  const make = (listen: ListenAddress) =>
    new Gateway(
      {
        serviceId: rootServiceId(number),
        domain,
        key: hexToBytes(serviceKey),
        upstream: options.upstream,
        listen,
      },
      {
        logger: log,
        now: () => Math.floor(now()),
        monotonic: () => timers.monotonic(),
        observer: metrics,
      },
    );
  const gateways = new Gateways(
    { make, listen: options.listen, graceMs: LEASE_MS },
    { timers, log },
  );
  const store = new ProviderStore(providerStoreFile(options.stateDir, deployment, number));
  const whereabouts = new Whereabouts(
    { configured: options.endpoint },
    { gateways, store, timers, log },
  );
  const announcer = new Announcer(
    { number, serviceKey, endpoints: () => whereabouts.endpoints() },
    { deployment, announcements, sender, time, store, log },
  );
  const directory = new ServiceDirectory({ client, deployment, time, timers, log });
  const network = createCoral(options.coral, {
    authority: directory,
    now,
    timers,
    log,
    metrics: registry,
  });
  const publisher = new Publisher(
    { serviceId: rootServiceId(number), key: hexToBytes(serviceKey), delegation: "0x", domain },
    { network, store, whereabouts, announcer, now, timers, log, metrics },
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
    publisher,
    announcer,
    settler,
    statusWatch,
    time,
    log,
    metrics,
  });
  const parts = inOrder(chain, directory, network, provider);
  return {
    async start() {
      await parts.start();
    },
    async stop() {
      await parts.stop();
      store.close();
    },
  };
}
