import type { Logger } from "./logger.ts";

/** A long-running part: built from options and dependencies, started and stopped once. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** How long a shutdown may take before the process leaves all the same. */
const SHUTDOWN_MS = 10_000;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Runs a worker until SIGINT or SIGTERM, then stops it within a deadline. A second signal ends the
 * process at once. A worker that fails to start is stopped, so that nothing of it keeps the process alive.
 *
 * @returns Exit code: 0 after a clean stop, 1 when the worker could not stop in time.
 */
export async function runUntilSignal(worker: Startable, log: Logger): Promise<number> {
  const { signalled, unlisten } = listen();
  try {
    await start(worker, log);
    log.info("stopping", { signal: await signalled });
    if (!(await stopInTime(worker))) {
      log.error("did not stop in time", { milliseconds: SHUTDOWN_MS });
      return 1;
    }
    log.info("stopped");
    return 0;
  } finally {
    unlisten();
  }
}

/** The first signal; any one after it ends the process. */
function listen(): { signalled: Promise<NodeJS.Signals>; unlisten: () => void } {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let isFirst = true;
  const take = (name: NodeJS.Signals) => {
    if (!isFirst) process.exit(130);
    isFirst = false;
    resolve(name);
  };
  for (const name of SIGNALS) process.on(name, take);
  const unlisten = () => {
    for (const name of SIGNALS) process.off(name, take);
  };
  return { signalled: promise, unlisten };
}

async function start(worker: Startable, log: Logger): Promise<void> {
  try {
    await worker.start();
  } catch (error) {
    try {
      await stopInTime(worker);
    } catch (cause) {
      // The start's error says more than this one, which may well follow from it.
      log.warn("what had started could not be stopped", { error: cause });
    }
    throw error;
  }
}

/** Whether the worker stopped within the deadline. */
async function stopInTime(worker: Startable): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, SHUTDOWN_MS);
  });
  try {
    return await Promise.race([worker.stop().then(() => true as const), deadline]);
  } finally {
    clearTimeout(timer);
  }
}
