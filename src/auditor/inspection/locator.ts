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

/** What a lookup fails with when nobody can say anything of the service: that is not its fault. */
const silent: readonly string[] = [resolveErrors.unreachable, resolveErrors.busy];

/**
 * Finds where a service listens, in the order of preference.
 *
 * @returns Nothing when the service publishes nothing that holds.
 * @throws BlockcloudError, retryable, when nobody can be asked.
 */
export type Locate = (
  service: Pick<AuditedService, "number" | "key">,
  signal: AbortSignal,
) => Promise<readonly Endpoint[]>;

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

/**
 * Locates as any user does, by a resolver. A service that has just left (maintenance, retirement, a
 * suspension) is audited to the end of the epoch, though resolvers send nobody there any more: it is looked
 * for where it was announced on chain.
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

/** Locates by what was announced on chain alone. */
export function locateAnnounced(announcements: Pick<Announcements, "refresh" | "record">): Locate {
  return async ({ number, key }) => {
    await announcements.refresh();
    const endpoints = announcements.record(number, key)?.endpoints ?? [];
    return endpoints.toSorted((a, b) => a.priority - b.priority);
  };
}
