import { AuditorMetrics } from "../../src/auditor/metrics.ts";
import { ChainMetrics } from "../../src/chain/metrics.ts";
import { IndexerMetrics } from "../../src/indexer/metrics.ts";
import { KeeperMetrics } from "../../src/keeper/metrics.ts";
import { CoralMetrics } from "../../src/coral/metrics.ts";
import { PublicHttpMetrics } from "../../src/net/publicHttpMetrics.ts";
import { createMetrics, type MetricEntry } from "../../src/node/metrics.ts";
import { ProviderMetrics } from "../../src/provider/metrics.ts";
import { RelayMetrics } from "../../src/relay/metrics.ts";
import { DnsMetrics, HttpMetrics } from "../../src/resolver/frontMetrics.ts";
import { ResolverMetrics } from "../../src/resolver/metrics.ts";
import { ProxyMetrics } from "../../src/sal/proxy/metrics.ts";
import { PathMetrics } from "../../src/sal/proxy/pathMetrics.ts";
import { FakeTimers } from "./fakeTime.ts";

/** Every metric of the workers, by name, as their own code declares it. */
export function workerMetrics(): Map<string, MetricEntry> {
  const workers = {
    auditor: AuditorMetrics,
    provider: ProviderMetrics,
    indexer: IndexerMetrics,
    keeper: KeeperMetrics,
    coral: CoralMetrics,
    relay: RelayMetrics,
    resolver: ResolverMetrics,
    http: HttpMetrics,
    server: PublicHttpMetrics,
    dns: DnsMetrics,
    proxy: ProxyMetrics,
    paths: PathMetrics,
  };
  const entries = Object.entries(workers).flatMap(([worker, Own]) => {
    const metrics = createMetrics(worker);
    new ChainMetrics(metrics, new FakeTimers());
    new Own(metrics);
    return metrics.catalogue;
  });
  return new Map(entries.map((entry) => [entry.name, entry]));
}

/** The metric behind a series: a histogram has three of them. */
export function metricOf(
  series: string,
  known: ReadonlyMap<string, MetricEntry>,
): MetricEntry | undefined {
  const [, base, part] = /^(.*?)(_bucket|_sum|_count)?$/.exec(series) ?? [];
  const found = known.get(series) ?? known.get(base ?? "");
  return part !== undefined && found?.name !== series && found?.type !== "histogram"
    ? undefined
    : found;
}
