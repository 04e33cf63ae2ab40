import { checkChain, createChainClient } from "../../chain/client.ts";
import { ChainClock } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { ServiceDirectory } from "../../chain/directory.ts";
import { ChainMetrics } from "../../chain/metrics.ts";
import { createCoral } from "../../coral/createCoral.ts";
import type { CoralOptions } from "../../coral/coralOptions.ts";
import { inOrder, type Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Metrics } from "../../node/metrics.ts";
import type { Timers } from "../../node/timers.ts";

/** A node of the record network by itself, with what it needs of the chain. */
export function createCoralWorker(
  options: { rpcUrls: readonly string[]; deployment: Deployment; coral: CoralOptions },
  environment: { timers: Timers; log: Logger; metrics: Metrics },
): Startable {
  const { deployment } = options;
  const { timers, log, metrics } = environment;
  const { chainId, genesis, epochSeconds } = deployment;
  const chainMetrics = new ChainMetrics(metrics, timers);
  const client = createChainClient(options.rpcUrls, chainId, {
    timers,
    log,
    observe: (transport) => chainMetrics.observe(transport),
    observer: chainMetrics,
  });
  const time = new ChainClock({ timing: { genesis, epochSeconds } }, { client, timers, log });
  chainMetrics.follow(time);
  const directory = new ServiceDirectory({ client, deployment, time, timers, log });
  const coral = createCoral(options.coral, {
    authority: directory,
    now: () => Math.floor(time.now() * 1000),
    timers,
    log,
    metrics,
  });
  const chain: Startable = {
    start: () => checkChain(client, deployment),
    stop: () => Promise.resolve(),
  };
  return inOrder(chain, time, directory, coral);
}
