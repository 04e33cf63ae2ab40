import type { Announcements } from "../chain/announcements.ts";
import type { ChainClient } from "../chain/client.ts";
import type { ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import { ServiceDirectory } from "../chain/directory.ts";
import type { CoralOptions } from "../coral/coralOptions.ts";
import { createCoral } from "../coral/createCoral.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { assembleResolver } from "../resolver/assemble.ts";
import { locateAnnounced, locateBy, type Locate } from "./locate.ts";

/** How an auditor finds services, with the parts that this needs. */
export interface Locator extends Startable {
  readonly locate: Locate;
}

/**
 * An auditor's way to find services: a resolver of its own over a node of the record network, or, without
 * one, what is announced on chain.
 */
export function createLocator(
  options: { deployment: Deployment; coral?: CoralOptions | undefined },
  dependencies: {
    client: ChainClient;
    time: ChainTime;
    announcements: Announcements;
    timers: Timers;
    log: Logger;
    metrics: Metrics;
  },
): Locator {
  const { deployment, coral } = options;
  const { time, announcements } = dependencies;
  if (coral === undefined) {
    return { ...inOrder(), locate: locateAnnounced(announcements) };
  }
  const directory = new ServiceDirectory({ ...dependencies, deployment });
  const now = () => time.now() * 1000;
  const network = createCoral(coral, { ...dependencies, authority: directory, now });
  const { resolver, worker } = assembleResolver(
    { deployment },
    { ...dependencies, directory, network },
  );
  return {
    ...inOrder(directory, network, worker),
    locate: locateBy(resolver, announcements),
  };
}
