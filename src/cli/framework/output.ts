import type { Writable } from "node:stream";
import { CommanderError } from "commander";
import { withoutKeys } from "../../node/misplaced.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Prints a command's result once: text for people, or one line of JSON. */
export class Output {
  readonly json: boolean;
  readonly #stdout: Writable;

  constructor(json: boolean, stdout: Writable) {
    this.json = json;
    this.#stdout = stdout;
  }

  /**
   * Prints the result.
   *
   * @param value JSON result: bigints become decimal strings, BLOC and ether are in wei.
   * @param text Text for a terminal, without the final newline.
   */
  print(value: object, text: string): void {
    this.#stdout.write(`${this.json ? toJson(value) : text}\n`);
  }
}

/** One line of JSON; a bigint becomes a decimal text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === "bigint" ? item.toString() : item,
  );
}

/**
 * Formats an error for the command line: a `BlockcloudError` as message and remedy, a bug with its stack. The
 * text is empty if commander has printed it already.
 */
export function describeError(error: unknown): { text: string; json: string } {
  if (error instanceof BlockcloudError) {
    const { code, message, remedy = "" } = error;
    const what = message.endsWith(` ${remedy}`) ? message.slice(0, -remedy.length - 1) : message;
    return {
      text: `${code}: ${message}`,
      json: toJson({ error: { code, message: what, remedy } }),
    };
  }
  if (error instanceof CommanderError) {
    // Commander has printed its own message.
    const message = withoutKeys(error.message.replace(/^error: /, ""));
    return { text: "", json: toJson({ error: { code: "USAGE", message, remedy: "See --help." } }) };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const message = error instanceof Error ? error.message : String(error);
  return {
    text,
    json: toJson({ error: { code: "UNEXPECTED", message, remedy: "This is a bug: report it." } }),
  };
}
