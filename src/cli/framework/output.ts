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
   * @param value For programs: bigints become decimal texts, BLOC and ether are in wei.
   * @param text For people, without the last line's end.
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
 * An error as the command line shows it: what we throw on purpose explains itself, a bug shows its stack.
 * A text that is empty was printed already.
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
    // Commander has printed its own complaint, and where help is.
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
