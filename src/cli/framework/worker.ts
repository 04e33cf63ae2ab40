import type { Startable } from "../../node/lifecycle.ts";
import { runUntilSignal } from "../../node/lifecycle.ts";
import { createLogger, type Logger } from "../../node/logger.ts";
import type { Values } from "./flag.ts";
import type { workerFlags } from "./commonFlags.ts";

/**
 * Runs a worker until a signal ends it.
 *
 * @returns The exit code.
 */
export function runWorker(
  name: string,
  flags: Values<typeof workerFlags>,
  create: (log: Logger) => Startable,
): Promise<number> {
  const log = createLogger({ name, level: flags.logLevel });
  return runUntilSignal(create(log), log, flags);
}
