import type { Hex } from "viem";
import type { ChainAccess } from "../../chain/access.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { ServiceDirectory } from "../../chain/directory.ts";
import type { CoralOptions } from "../../coral/options.ts";
import { createCoral } from "../../coral/createCoral.ts";
import { inOrder, type Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Metrics } from "../../node/metrics.ts";
import { wallSeconds, type Timers } from "../../node/timers.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { Gateway } from "../gateway/gateway.ts";
import type { GatewayLimits } from "../gateway/options.ts";
import { Gateways, type ListenAddress } from "../gateway/gateways.ts";
import { RECORD_LEASE_MS } from "./lease.ts";
import type { ProviderMetrics } from "../metrics.ts";
import { Publisher, type PublisherDependencies } from "./publisher.ts";
import { ProviderStore } from "../store.ts";
import { Whereabouts } from "./whereabouts.ts";

export interface PresenceOptions {
  deployment: Deployment;
  serviceId: Hex;
  /** Signs receipts and records. */
  key: Hex;
  /** The root's delegation for a sub-service; otherwise `0x`. */
  delegation: Hex;
  /** The HTTP server behind the gateway. */
  upstream: URL;
  listen: ListenAddress;
  /** URL at which clients reach the gateway; without it, the address that it listens on. */
  endpoint: string | undefined;
  /** Limits of the gateway, and the proxies in front of it. */
  gateway?: GatewayLimits | undefined;
  /** The node of the record network. */
  coral: CoralOptions;
  storeFile: string;
}

/** The presence of a service: its gateway and its published record. */
export interface Presence {
  /** The parts that gateway and publisher use; started before and stopped after them. */
  readonly ground: Startable;
  readonly gateways: Gateways;
  readonly whereabouts: Whereabouts;
  readonly store: ProviderStore;
  publisher(announcer: PublisherDependencies["announcer"]): Publisher;
}

/** Builds the presence of a service or a sub-service on a chain that is started first. */
export function createPresence(
  options: PresenceOptions,
  dependencies: {
    chain: ChainAccess;
    timers: Timers;
    log: Logger;
    metrics: ProviderMetrics;
    registry: Metrics;
  },
): Presence {
  const { deployment, serviceId, delegation, upstream } = options;
  const { chain, timers, log, metrics, registry } = dependencies;
  const { client, time } = chain;
  const key = hexToBytes(options.key);
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  // Before the first block this machine's clock is used, because the gateway serves without the chain.
  const now = () => Math.floor((time.isKnown ? time.now() : wallSeconds()) * 1000);
  const monotonic = () => timers.monotonic();
  const make = (listen: ListenAddress) =>
    new Gateway(
      { ...options.gateway, serviceId, domain, key, upstream, listen },
      { logger: log, now, monotonic, observer: metrics },
    );
  const gateways = new Gateways(
    { make, listen: options.listen, graceMs: RECORD_LEASE_MS },
    { timers, log },
  );
  const store = new ProviderStore(options.storeFile);
  const whereabouts = new Whereabouts(
    { configured: options.endpoint },
    { gateways, store, timers, log, now: () => wallSeconds() * 1000 },
  );
  const directory = new ServiceDirectory({ client, deployment, time, timers, log });
  const network = createCoral(options.coral, {
    ...{ authority: directory, now, timers, log },
    metrics: registry,
  });
  const closing: Startable = {
    start: () => Promise.resolve(),
    stop: () => {
      store.close();
      return Promise.resolve();
    },
  };
  return {
    ground: inOrder(closing, directory, network),
    gateways,
    whereabouts,
    store,
    publisher: (announcer) =>
      new Publisher(
        { serviceId, key, delegation, domain },
        { network, store, whereabouts, announcer, now, timers, log, metrics },
      ),
  };
}
