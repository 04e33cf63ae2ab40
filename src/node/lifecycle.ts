import type { Logger } from "./logger.ts";

/** A long-running part: built from options and dependencies, started and stopped once. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** How long a shutdown may take before the process leaves all the same. */
const SHUTDOWN_MS = 10_000;

/**
 * Runs a worker until SIGINT or SIGTERM, then stops it within a deadline. A second signal ends the
 * process at once.
 *
 * @returns Exit code: 0 after a clean stop, 1 when the worker could not stop in time.
 */
export async function runUntilSignal(worker: Startable, log: Logger): Promise<number> {
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.once(name, () => {
        resolve(name);
        process.once(name, () => process.exit(130));
      });
    }
  });
  await worker.start();
  const signal = await signalled;
  log.info("stopping", { signal });
  const timeout = new Promise<"timeout">((resolve) => {
    setTimeout(() => {
      resolve("timeout");
    }, SHUTDOWN_MS).unref();
  });
  const outcome = await Promise.race([worker.stop(), timeout]);
  if (outcome === "timeout") {
    log.error("did not stop in time", { milliseconds: SHUTDOWN_MS });
    return 1;
  }
  log.info("stopped");
  return 0;
}
