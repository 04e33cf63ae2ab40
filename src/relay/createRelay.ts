import { ChainAccess, type ChainOptions } from "../chain/access.ts";
import { ServiceDirectory } from "../chain/directory.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import type { ListenAddress } from "../node/listen.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import { systemScheduler } from "../node/scheduler.ts";
import { wallSeconds, type Timers } from "../node/timers.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import { createCertificate } from "../sal/transport/certificate.ts";
import type { RelayWorkerLimits } from "./limits.ts";
import { RelayMetrics } from "./metrics.ts";
import { Relay } from "./relay.ts";

export interface RelayWorkerOptions extends ChainOptions {
  listen: ListenAddress;
  /** `host:port` in all the ways in which providers dial the relay. */
  names?: readonly string[] | undefined;
  limits?: RelayWorkerLimits | undefined;
}

/**
 * Assembles a relay, ready to start. It reads the keys of services by its own RPC endpoint, and needs no key and no
 * ether.
 *
 * @throws BlockcloudError `RELAY_OPTIONS`, `RPC_URL_INVALID`.
 */
export function createRelay(
  options: RelayWorkerOptions,
  environment: { timers: Timers; log: Logger; metrics: Metrics },
): Startable {
  const { deployment, listen, names, limits } = options;
  const { log, metrics } = environment;
  const chain = new ChainAccess(options, environment);
  const { client, time } = chain;
  const directory = new ServiceDirectory({ client, deployment, time, ...environment });
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  const relay = new Relay(
    { listen, names, domain, limits },
    {
      ...{ clock: systemScheduler, log, directory },
      now: () => time.now() * 1000,
      certificate: createCertificate(wallSeconds() * 1000),
      metrics: new RelayMetrics(metrics),
    },
  );
  return inOrder(chain, directory, relay);
}
