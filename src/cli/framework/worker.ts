import { isHex, type Hex } from "viem";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { createLogger } from "../../node/createLogger.ts";
import { inOrder, runUntilSignal, type Reloadable, type Startable } from "../../node/lifecycle.ts";
import { HeldLock, type LockOptions } from "../../node/lock.ts";
import { logText } from "../../node/logText.ts";
import type { Logger } from "../../node/logger.ts";
import { leaveInTime, LogSink } from "../../node/logSink.ts";
import { createMetrics, type Metrics } from "../../node/metrics.ts";
import type { ProcessHandoff } from "../../provider/handoff/agentHandoff.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import type { workerFlags } from "./commonFlags.ts";
import type { Values } from "./flag.ts";
import type { Listen } from "./values.ts";

/** The parameters of a worker. */
export interface WorkerSpec {
  /** Name in the log. */
  readonly name: string;
  /** The key that is locked while the worker runs; without a key, the name is locked. */
  readonly key?: Hex;
  readonly deployment: Deployment;
  /**
   * SIGHUP stops a worker, unless it can read its settings again.
   *
   * @param fail Ends a worker that finds, after its start, that it cannot go on.
   */
  create(
    log: Logger,
    metrics: Metrics,
    fail: (error: unknown) => void,
    handoff: ProcessHandoff,
  ): Startable | Reloadable;
  /**
   * Whether the worker may take the place of one that runs. Then `create`'s worker takes the lock itself; undefined if
   * no process of it takes another one's place.
   */
  readonly takeOver?: boolean | undefined;
  /** Lets the command listen for signals no longer: a command is interrupted by SIGHUP. */
  readonly handOver?: () => void;
}

/**
 * Runs a worker until a signal stops it, and locks its key and state folder meanwhile.
 *
 * @returns The exit code.
 * @throws BlockcloudError `WORKER_RUNNING`.
 */
export async function runWorker(
  flags: Values<typeof workerFlags>,
  { name, key, deployment, create, handOver, takeOver }: WorkerSpec,
): Promise<number> {
  const lock = new HeldLock({
    ...workerLock(flags.state, deployment, key ?? name),
    ...(key === undefined ? namedHolder(name, flags.state) : keyHolder(takeOver === false)),
  });
  if (takeOver !== true) lock.take();
  try {
    const metrics = createMetrics(name);
    const { logFormat } = flags;
    const isText = logFormat === "text" || (logFormat === "auto" && process.stdout.isTTY);
    const sink = new LogSink(process.stdout, {
      ...(isText && { format: logText }),
      dropped: (lines) => {
        metrics.logLinesDropped.add(lines, {});
      },
    });
    const log = createLogger({ name, level: flags.logLevel }, sink);
    const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
    const server = await metricsServer(flags.metrics, metrics, log);
    const { promise: done, resolve: finish } = Promise.withResolvers<string>();
    const handoff: ProcessHandoff = {
      ...{ takeOver: takeOver === true, lock: lock.options },
      takeLock: () => {
        lock.take();
      },
      given: async () => {
        await server?.stop();
        lock.release();
      },
      finished: () => {
        finish("another process serves");
      },
    };
    const failWith = (error: unknown) => {
      fail(error instanceof Error ? error : new Error(String(error)));
    };
    const worker = create(log, metrics, failWith, handoff);
    // The metrics server starts first and stops last; but the process that is replaced has its port.
    const order = takeOver === true ? [worker, server] : [server, worker];
    const parts = inOrder(...order.filter((each) => each !== undefined));
    try {
      return await runUntilSignal(parts, log, {
        withParent: flags.withParent,
        failed,
        done,
        reload: "reload" in worker ? () => worker.reload() : undefined,
        listening: handOver,
      });
    } finally {
      leaveInTime(sink);
    }
  } finally {
    lock.release();
  }
}

/** The metrics server, if one is configured; only then is its code loaded. */
async function metricsServer(
  listen: Listen | undefined,
  metrics: Metrics,
  log: Logger,
): Promise<Startable | undefined> {
  if (listen === undefined) return undefined;
  const { MetricsServer } = await import("../../node/metricsServer.ts");
  return new MetricsServer({ listen }, { metrics, log });
}

/** How the lock of a worker without a key describes itself: what two of them share is the state folder. */
function namedHolder(name: string, stateDir: string): Pick<LockOptions, "holder" | "remedy"> {
  return {
    holder: `The worker ${name} with the state folder ${stateDir}`,
    remedy: "Stop it first, or give this worker another folder with --state.",
  };
}

/** @param canTakeOver Whether the command has `--take-over`, and it was not given. */
function keyHolder(canTakeOver: boolean): Pick<LockOptions, "remedy"> {
  if (!canTakeOver) return {};
  return { remedy: "Stop the other worker first, or take its place with --take-over." };
}

/** The lock of a key or of a worker's name, for one deployment. */
export function workerLock(stateDir: string, deployment: Deployment, holder: string): LockOptions {
  const name = isHex(holder) ? addressOfKey(holder) : holder;
  return { stateDir, name: `${name}-${deploymentTag(deployment)}` };
}
