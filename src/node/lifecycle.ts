import type { Logger } from "./logger.ts";

/** A long-running part: built from options and dependencies, started and stopped once. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** How long a shutdown may take before the process leaves all the same. */
const SHUTDOWN_MS = 10_000;

/**
 * One Ctrl-C may arrive several times, from the terminal and from each parent that passes it on; only a
 * signal that comes later than this means impatience, milliseconds.
 */
const SAME_SIGNAL_MS = 1_000;

/** Resolves at SIGINT or SIGTERM; a second, later one ends the process at once. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.on(name, () => {
        first ??= performance.now();
        if (performance.now() - first > SAME_SIGNAL_MS) process.exit(130);
        resolve(name);
      });
    }
  });
}

/** Resolves when standard input ends: whoever started this process is gone. */
function untilStdinEnds(): Promise<"end of input"> {
  return new Promise((resolve) => {
    process.stdin.resume().once("end", () => {
      resolve("end of input");
    });
  });
}

/**
 * Runs a worker until SIGINT or SIGTERM, then stops it within a deadline.
 *
 * @param options `withParent`: stop also when standard input ends.
 * @returns Exit code: 0 after a clean stop, 1 when the worker could not stop in time.
 */
export async function runUntilSignal(
  worker: Startable,
  log: Logger,
  options: { withParent: boolean },
): Promise<number> {
  const ends: Promise<string>[] = [untilSignal()];
  if (options.withParent) ends.push(untilStdinEnds());
  await worker.start();
  const reason = await Promise.race(ends);
  log.info("stopping", { reason });
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
  // An open standard input would keep the process alive.
  if (options.withParent) process.stdin.destroy();
  return 0;
}
