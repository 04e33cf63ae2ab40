import { Option } from "commander";
import { inOrder, type Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import type { Metrics } from "../node/metrics.ts";
import { MetricsServer, type MetricsServerOptions } from "../node/metricsServer.ts";
import { hostAndPort, urlList } from "./options.ts";

/** `--deployment`, for every command that needs the contracts. */
export function deploymentOption(): Option {
  return new Option("--deployment <file>", "deployments/<network>.json of the contracts")
    .env("BLOCKCLOUD_DEPLOYMENT")
    .makeOptionMandatory();
}

/** `--rpc`, for every command that needs the chain. */
export function rpcOption(): Option {
  return new Option("--rpc <url...>", "JSON-RPC endpoints of the chain, the preferred one first")
    .argParser(urlList)
    .env("BLOCKCLOUD_RPC")
    .makeOptionMandatory();
}

/** `--log-level`, for every worker. */
export function logLevelOption(): Option {
  return new Option("--log-level <level>", "least level to log")
    .choices(["debug", "info", "warn", "error"])
    .env("BLOCKCLOUD_LOG_LEVEL")
    .default("info");
}

/** `--metrics`, for every worker. */
export function metricsOption(): Option {
  return new Option(
    "--metrics <host:port>",
    "serve Prometheus metrics and /healthz there; keep it on loopback",
  )
    .argParser(hostAndPort)
    .env("BLOCKCLOUD_METRICS");
}

/** What a worker is run with: its metrics are served first and to the last. */
export function withMetrics(
  worker: Startable,
  dependencies: {
    listen: MetricsServerOptions["listen"] | undefined;
    metrics: Metrics;
    log: Logger;
  },
): Startable {
  const { listen, metrics, log } = dependencies;
  return listen === undefined
    ? worker
    : inOrder(new MetricsServer({ listen }, { metrics, log }), worker);
}

/** `--with-parent`, for workers that another process starts. */
export function withParentOption(): Option {
  return new Option("--with-parent", "stop when standard input ends").default(false);
}
