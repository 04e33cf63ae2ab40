import { pino, type DestinationStream } from "pino";
import type { Logger } from "./logger.ts";
import { LogSink } from "./logSink.ts";

/**
 * Creates a structured log, one JSON object per line.
 *
 * Levels: error, the operator must act; warn, a failure that is tried again or costs money; info, one line for each
 * step of the protocol; debug, the rest. Keys and bodies are never logged. Writing never waits for the reader of the
 * log.
 */
export function createLogger(
  options: { name: string; level: string },
  destination: DestinationStream = new LogSink(process.stdout),
): Logger {
  const log = pino(
    {
      base: { name: options.name },
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return adapt(log);
}

function adapt(log: pino.Logger): Logger {
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: object = {}) => {
      log[level](plain(fields), message);
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => adapt(log.child(plain(fields))),
  };
}

/** Converts bigints and errors, which JSON cannot represent. */
function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => {
      if (typeof value === "bigint") return [name, value.toString()];
      if (value instanceof Error) return [name, value.message.slice(0, 500)];
      return [name, value];
    }),
  );
}
