/** What a module needs to log: a message for people and an object for machines. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  /** The same log with fields that every line carries. */
  child(fields: object): Logger;
}

/** Swallows everything: for tests and for callers that show progress in another way. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
