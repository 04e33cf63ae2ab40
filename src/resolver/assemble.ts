import { randomBytes } from "node:crypto";
import type { Directory } from "../chain/directory.ts";
import type { ChainTime } from "../chain/clock.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { RecordNetwork } from "../coral/network.ts";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import type { Timers } from "../node/timers.ts";
import { blockcloudDomain } from "../protocol/typedData.ts";
import type { ResolverLimits } from "./limits.ts";
import { ResolverMetrics, silentObserver } from "./metrics.ts";
import type { AnnouncedRecords } from "./lookup/recordLookup.ts";
import { RemoteResolver } from "./lookup/remote.ts";
import { ServiceResolver } from "./serviceResolver.ts";
import { ServiceTable } from "./table/serviceTable.ts";
import { tableFile, TableStore } from "./table/tableStore.ts";
import { TableSync } from "./table/tableSync.ts";

export interface AssembleOptions {
  deployment: Deployment;
  /** State folder whose service table the resolver follows; without it all lookups are resolved on demand. */
  tableDir?: string | undefined;
  limits?: Partial<ResolverLimits> | undefined;
}

/** The chain access and record network node that a worker shares with its resolver. */
export interface AssembleParts {
  directory: Directory;
  network: RecordNetwork;
  announcements: AnnouncedRecords;
  time: ChainTime;
  timers: Timers;
  log: Logger;
  metrics?: Metrics | undefined;
}

/**
 * Assembles a resolver from parts that the caller starts before it and stops after it.
 *
 * @returns The resolver, and a worker that starts and stops it together with its table.
 * @throws BlockcloudError `STORE_TOO_NEW` for a service table of a newer version.
 */
export function assembleResolver(
  options: AssembleOptions,
  parts: AssembleParts,
): { resolver: ServiceResolver; worker: Startable } {
  const { deployment, tableDir, limits = {} } = options;
  const { directory, network, time, timers, log } = parts;
  const { chainId, contracts, genesis, epochSeconds } = deployment;
  const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
  const now = () => time.now() * 1000;
  const table = new ServiceTable(Math.random);
  const remote = new RemoteResolver(
    { domain },
    { directory, now, revokedUpTo: (serviceId) => network.revokedUpTo(serviceId) },
  );
  const metrics =
    parts.metrics === undefined ? silentObserver() : new ResolverMetrics(parts.metrics);
  const id = randomBytes(8).toString("hex");
  const timing = { genesis, epochSeconds };
  const resolver = new ServiceResolver(
    { id, domain, timing, limits },
    { ...parts, table, remote, now, metrics },
  );
  if (tableDir === undefined) return { resolver, worker: resolver };
  const store = new TableStore(tableFile(tableDir));
  const sync = new TableSync({ table, store, now, timers, log });
  return { resolver, worker: inOrder(sync, resolver) };
}
