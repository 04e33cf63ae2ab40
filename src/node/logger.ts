/** A log: each line has a message and an object with fields. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  /** The same log with additional fields in every line. */
  child(fields: object): Logger;
}

/** Drops all lines: for tests and for callers that show progress in another way. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
