import type { Logger } from "../../src/node/logger.ts";

export interface LoggedLine {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  fields: Record<string, unknown>;
}

/** Keeps what is logged, its children's lines included. */
export class MemoryLog implements Logger {
  readonly lines: LoggedLine[];
  readonly #fields: object;

  constructor(lines: LoggedLine[] = [], fields: object = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  debug(message: string, fields?: object): void {
    this.#add("debug", message, fields);
  }

  info(message: string, fields?: object): void {
    this.#add("info", message, fields);
  }

  warn(message: string, fields?: object): void {
    this.#add("warn", message, fields);
  }

  error(message: string, fields?: object): void {
    this.#add("error", message, fields);
  }

  child(fields: object): Logger {
    return new MemoryLog(this.lines, { ...this.#fields, ...fields });
  }

  /** Messages of a level, in order. */
  said(level: LoggedLine["level"]): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message);
  }

  #add(level: LoggedLine["level"], message: string, fields: object = {}): void {
    this.lines.push({ level, message, fields: { ...this.#fields, ...fields } });
  }
}
