import type { Announcements } from "../../chain/announcements.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { ChainTime } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { ServiceDirectory } from "../../chain/directory.ts";
import type { AuditedService } from "../../chain/services.ts";
import { createCoral } from "../../coral/createCoral.ts";
import type { CoralOptions } from "../../coral/options.ts";
import { inOrder, type Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Metrics } from "../../node/metrics.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Endpoint } from "../../protocol/record.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { resolveErrors, type Resolver } from "../../resolver/answer.ts";
import { assembleResolver } from "../../resolver/assemble.ts";

/** Errors of a lookup that mean that the service could not be located; these are not its fault. */
const silent: readonly string[] = [resolveErrors.unreachable, resolveErrors.busy];

/**
 * Finds the endpoints of a service, in order of preference.
 *
 * @returns An empty list if the service publishes no valid record.
 * @throws BlockcloudError, retryable, if neither chain nor record network can be reached.
 */
export type Locate = (
  service: Pick<AuditedService, "number" | "key">,
  signal: AbortSignal,
) => Promise<readonly Endpoint[]>;

/** An auditor's access to services, with the parts that it starts and stops. */
export interface Locator extends Startable {
  readonly locate: Locate;
}

/**
 * Creates an auditor's locator: a resolver of its own over a node of the record network or, without such a
 * node, the announcements on chain.
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

/**
 * Locates services with a resolver, as any user does. A service that has just become inactive (maintenance,
 * retirement, suspension) is audited to the end of the epoch, although resolvers no longer return it: then
 * its announcement on chain is used.
 */
export function locateBy(
  resolver: Pick<Resolver, "resolve">,
  announcements: Pick<Announcements, "refresh" | "record">,
): Locate {
  return async ({ number, key }, signal) => {
    try {
      return (await resolver.resolve(rootServiceId(number), { signal })).endpoints;
    } catch (error) {
      if (!(error instanceof BlockcloudError) || silent.includes(error.code)) throw error;
      if (error.code !== resolveErrors.inactive) return [];
    }
    return locateAnnounced(announcements)({ number, key }, signal);
  };
}

/** Locates services by announcements on chain only. */
export function locateAnnounced(announcements: Pick<Announcements, "refresh" | "record">): Locate {
  return async ({ number, key }) => {
    await announcements.refresh();
    const endpoints = announcements.record(number, key)?.endpoints ?? [];
    return endpoints.toSorted((a, b) => a.priority - b.priority);
  };
}
