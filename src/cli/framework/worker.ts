import { isHex, type Hex } from "viem";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { inOrder, runUntilSignal, type Startable } from "../../node/lifecycle.ts";
import { WorkerLock, type LockOptions } from "../../node/lock.ts";
import { createLogger, type Logger } from "../../node/logger.ts";
import { createMetrics, type Metrics } from "../../node/metrics.ts";
import { MetricsServer } from "../../node/metricsServer.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import type { workerFlags } from "./commonFlags.ts";
import type { Values } from "./flag.ts";

/** What a worker is started with. */
export interface WorkerSpec {
  /** Names it in the log. */
  readonly name: string;
  /** The key that no other worker may run with meanwhile; without one, no other worker of the name. */
  readonly key?: Hex;
  readonly deployment: Deployment;
  create(log: Logger, metrics: Metrics): Startable;
}

/**
 * Runs a worker until a signal ends it; meanwhile no other runs with its key and state folder.
 *
 * @returns The exit code.
 * @throws BlockcloudError `WORKER_RUNNING`.
 */
export async function runWorker(
  flags: Values<typeof workerFlags>,
  { name, key, deployment, create }: WorkerSpec,
): Promise<number> {
  const lock = WorkerLock.take(workerLock(flags.state, deployment, key ?? name));
  try {
    const log = createLogger({ name, level: flags.logLevel });
    const metrics = createMetrics(name);
    const worker = create(log, metrics);
    const listen = flags.metrics;
    // Metrics are served first and to the last.
    const parts =
      listen === undefined
        ? worker
        : inOrder(new MetricsServer({ listen }, { metrics, log }), worker);
    return await runUntilSignal(parts, log, flags);
  } finally {
    lock.release();
  }
}

/** The lock of a key, or of a worker's name, on a deployment. */
export function workerLock(stateDir: string, deployment: Deployment, holder: string): LockOptions {
  const name = isHex(holder) ? addressOfKey(holder) : holder;
  return { stateDir, name: `${name}-${deploymentTag(deployment)}` };
}
