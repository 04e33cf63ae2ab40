import type { Hex } from "viem";
import { Announcements } from "../chain/announcements.ts";
import { Challenges } from "../chain/challenges.ts";
import { checkChain, createChainClient } from "../chain/client.ts";
import { ChainClock } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { FeePolicy } from "../chain/fees.ts";
import { ChainMetrics } from "../chain/metrics.ts";
import { TransactionSender } from "../chain/sender.ts";
import { Services } from "../chain/services.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { hexToBytes } from "../protocol/bytes.ts";
import { rootServiceId } from "../protocol/serviceId.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import { ChallengeResponder } from "./challengeResponder.ts";
import { Gateway } from "./gateway.ts";
import { ProviderMetrics } from "./metrics.ts";
import { Provider } from "./provider.ts";
import { Publisher } from "./publisher.ts";
import { Settler } from "./settler.ts";
import { StatusWatch } from "./statusWatch.ts";

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
  const chainMetrics = new ChainMetrics(registry, timers, [metrics]);
  const { chainId, contracts, genesis, epochSeconds } = deployment;
  const client = createChainClient(options.rpcUrls, chainId, {
    timers,
    log,
    observe: (transport) => chainMetrics.observe(transport),
    observer: chainMetrics,
  });
  const time = new ChainClock({ timing: { genesis, epochSeconds } }, { client, timers, log });
  chainMetrics.follow(time);
  const services = new Services(client, deployment);
  const announcements = new Announcements({ client, deployment, time, services, log });
  const sender = new TransactionSender(
    { rpcUrls: options.rpcUrls, chainId, fees: options.fees, key: options.walletKey },
    { client, log, timers, observer: chainMetrics },
  );
  chainMetrics.watchBalance(() => client.getBalance({ address: sender.address }));
  const gateway = new Gateway(
    {
      serviceId: rootServiceId(number),
      domain: blockcloudDomain(BigInt(chainId), contracts.registry),
      key: hexToBytes(serviceKey),
      upstream: options.upstream,
      listen: options.listen,
    },
    {
      logger: log,
      now: () => Math.floor(time.now() * 1000),
      monotonic: () => timers.monotonic(),
      observer: metrics,
    },
  );
  const publisher = new Publisher(
    {
      number,
      serviceKey,
      endpoints: () => [{ uri: options.endpoint ?? listening(gateway), priority: 0, weight: 1 }],
    },
    { deployment, announcements, sender, time, log, metrics },
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
  const parts = { gateway, responder, publisher, settler, statusWatch };
  const provider = new Provider({ ...parts, time, log, metrics });
  return {
    async start() {
      await checkChain(client, deployment);
      await time.start();
      await provider.start();
    },
    async stop() {
      await provider.stop();
      await time.stop();
    },
  };
}

function listening(gateway: Gateway): string {
  const { address, port } = gateway.address;
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
}
