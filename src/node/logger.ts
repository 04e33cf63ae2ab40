import { pino, type DestinationStream } from "pino";

/** What a module needs to log: a message for people and an object for machines. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  /** The same log with fields that every line carries. */
  child(fields: object): Logger;
}

/**
 * A structured log, one JSON object a line.
 *
 * Policy: error, the operator must act; warn, something failed that is tried again or costs money; info,
 * one line for each step of the protocol; debug, the rest. Keys and bodies are never passed in.
 */
export function createLogger(
  options: { name: string; level: string },
  destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
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

/** JSON knows no bigint, and an Error has no fields of its own. */
function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => {
      if (typeof value === "bigint") return [name, value.toString()];
      if (value instanceof Error) return [name, value.message.slice(0, 500)];
      return [name, value];
    }),
  );
}

/** Swallows everything: for tests and for callers that show progress in another way. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
