import type { Logger } from "./logger.ts";

/** A long-running part: built from options and dependencies, started and stopped once. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A part that `await using` stops at the end of its block. */
export interface Worker extends Startable, AsyncDisposable {}

/** Lets `await using` stop a part; stopping it twice has no further effect. */
export function disposable(part: Startable): Worker {
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= part.stop());
  return { start: () => part.start(), stop, [Symbol.asyncDispose]: stop };
}

/**
 * Parts that start in order and stop in reverse order; parts that did not begin to start are not stopped. After a stop
 * in the middle of a start no further part starts.
 */
export function inOrder(...parts: readonly Startable[]): Startable {
  const begun: Startable[] = [];
  let isStopping = false;
  return {
    async start() {
      isStopping = false;
      for (const part of parts) {
        if (isStopping) return;
        begun.push(part);
        await part.start();
      }
    },
    async stop() {
      isStopping = true;
      const failures: unknown[] = [];
      for (const part of begun.splice(0).reverse()) {
        // A part that fails to stop must not keep the others running.
        await part.stop().catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** A part that is made when it starts, because it needs what the parts before it have found or freed. */
export function late(make: () => Startable): Startable {
  let part: Startable | undefined;
  return {
    async start() {
      part = make();
      await part.start();
    },
    async stop() {
      await part?.stop();
    },
  };
}

/** Maximum time of a shutdown before the process exits anyway. */
const SHUTDOWN_MS = 10_000;
/**
 * Delay after which a second signal ends the process, milliseconds. One Ctrl-C may arrive several times: from the
 * terminal, and from each parent that forwards it.
 */
const SAME_SIGNAL_MS = 1_000;
const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
/**
 * Exit code after SIGHUP, which service managers use to reload settings: the worker stops as on SIGTERM, and systemd
 * starts it again, because the code is not 0.
 */
const HANGUP_CODE = 129;

/** A part that can read its settings again while it runs. */
export interface Reloadable extends Startable {
  reload(): Promise<void>;
}

/**
 * Runs a worker until SIGINT, SIGTERM or SIGHUP, then stops it within a deadline. A second signal ends the process at
 * once. A worker that fails to start is stopped, so that no part of it keeps the process alive.
 *
 * @param options `withParent`: stop also when standard input ends, because the parent process has ended then.
 *   `failed`: stop when the worker finds that it cannot go on; its error is thrown then.
 *   `reload`: what SIGHUP does instead of a stop, once the worker has started. `listening`: called when this function
 *   listens for signals, so that an earlier listener can leave without a gap.
 * @returns Exit code: 0 after a clean stop, 129 after one by SIGHUP, 1 if the worker could not stop in time.
 */
export async function runUntilSignal(
  worker: Startable,
  log: Logger,
  options: {
    withParent: boolean;
    failed?: Promise<Error>;
    /** Resolves when the worker has nothing left to do, with the reason. */
    done?: Promise<string>;
    reload?: (() => Promise<void>) | undefined;
    listening?: (() => void) | undefined;
  },
): Promise<number> {
  const { reload, listening } = options;
  const { signalled, unlisten } = listenForSignals(
    reload === undefined ? SIGNALS : SIGNALS.filter((name) => name !== "SIGHUP"),
  );
  const started = Promise.withResolvers<undefined>();
  const stopReloading = reload && onHangup(reload, started.promise, log);
  listening?.();
  const input = options.withParent ? untilEnd(process.stdin) : undefined;
  try {
    await start(worker, log);
    started.resolve(undefined);
    const { failed, done } = options;
    const reason = await Promise.race([
      signalled,
      ...(input ? [input] : []),
      ...(failed ? [failed] : []),
      ...(done ? [done] : []),
    ]);
    log.info("stopping", { reason: reason instanceof Error ? reason.message : reason });
    if (!(await stopInTime(worker))) {
      log.error("did not stop in time", { milliseconds: SHUTDOWN_MS });
      return 1;
    }
    log.info("stopped");
    if (reason instanceof Error) throw reason;
    return reason === "SIGHUP" ? HANGUP_CODE : 0;
  } finally {
    unlisten();
    stopReloading?.();
    // An open standard input would keep the process alive.
    if (input) process.stdin.destroy();
  }
}

/** Calls back for SIGHUP, one call at a time. Returns a function that ends this. */
function onHangup(reload: () => Promise<void>, started: Promise<unknown>, log: Logger): () => void {
  let isWaiting = false;
  let last = started;
  const take = () => {
    // A reload that has not begun reads the newest settings anyway.
    if (isWaiting) return;
    isWaiting = true;
    last = last.then(async () => {
      isWaiting = false;
      await reload().catch((error: unknown) => {
        log.error("the settings could not be read again", { error });
      });
    });
  };
  process.on("SIGHUP", take);
  return () => process.off("SIGHUP", take);
}

/**
 * The first signal of this process that a listener has heard. A command listens before its worker does: a signal between
 * the two must stop the worker.
 */
let heard: { name: NodeJS.Signals; at: number } | undefined;
let listeners = 0;

/** Waits for the first signal, also for one that an earlier listener has heard; a later second one ends the process. */
export function listenForSignals(names: readonly NodeJS.Signals[] = SIGNALS): {
  signalled: Promise<NodeJS.Signals>;
  unlisten: () => void;
} {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  const take = (name: NodeJS.Signals) => {
    heard ??= { name, at: performance.now() };
    if (performance.now() - heard.at > SAME_SIGNAL_MS) process.exit(130);
    resolve(name);
  };
  for (const name of names) process.on(name, take);
  listeners += 1;
  if (heard !== undefined && names.includes(heard.name)) resolve(heard.name);
  let isListening = true;
  const unlisten = () => {
    if (!isListening) return;
    isListening = false;
    for (const name of names) process.off(name, take);
    listeners -= 1;
    if (listeners === 0) heard = undefined;
  };
  return { signalled: promise, unlisten };
}

function untilEnd(input: NodeJS.ReadableStream): Promise<"end of input"> {
  return new Promise((resolve) => {
    input.resume().once("end", () => {
      resolve("end of input");
    });
  });
}

async function start(worker: Startable, log: Logger): Promise<void> {
  try {
    await worker.start();
  } catch (error) {
    try {
      await stopInTime(worker);
    } catch (cause) {
      // The start's error is more useful than this one, which may be its consequence.
      log.warn("a started part could not be stopped", { error: cause });
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
