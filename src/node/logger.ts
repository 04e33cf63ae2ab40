/** What a worker writes its log to: a message, and fields for machines. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  /** A logger whose lines carry these fields, too. */
  child(fields: object): Logger;
}
