import { readFileSync, statSync } from "node:fs";
import { BlockcloudError } from "../protocol/errors.ts";
import { looksLikeKey } from "./keys.ts";
import { repeatedNames } from "./repeatedNames.ts";

/** Size limit of a configuration file, bytes. */
const MAX_BYTES = 64 * 1024;
const MAX_DEPTH = 4;
/** A service ID has as many digits as a private key. Errors do not show either. */
const ID_PLACE = "subservice.id";

/**
 * Settings of a configuration file by their place, with dots between names; a list of texts stays a list. The items
 * of a list of objects are places of their own: `services[0].upstream`.
 */
export type ConfigEntries = ReadonlyMap<string, string | readonly string[]>;

/**
 * Reads a configuration file: JSON whose values are texts, numbers, booleans, lists of texts or lists of objects.
 * Callers interpret the values.
 *
 * @throws BlockcloudError `CONFIG_INVALID` with all faults of the file's form. A private key in it is refused and
 * never shown.
 */
export function readConfigFile(file: string): ConfigEntries {
  let text: string;
  let json: unknown;
  try {
    if (statSync(file).size > MAX_BYTES) throw new Error("too long");
    // Some editors write a byte order mark.
    text = readFileSync(file, "utf8").replace(/^\uFEFF/, "");
    json = JSON.parse(text, asWritten);
  } catch (cause) {
    throw new BlockcloudError("CONFIG_INVALID", `${file} cannot be read.`, {
      cause,
      remedy: `Name a JSON file of at most ${MAX_BYTES} bytes.`,
    });
  }
  const entries = new Map<string, string | readonly string[]>();
  const problems = repeatedNames(text).map((place) => `${place}: is given twice. Keep one.`);
  const take = (value: unknown, place: string, depth: number): void => {
    const texts = Array.isArray(value) ? value.map(textOf) : [textOf(value)];
    if (place !== ID_PLACE && texts.some((text) => text !== undefined && looksLikeKey(text))) {
      problems.push(
        `${place}: looks like a private key. Put it into a file of mode 600, and name that.`,
      );
    } else if (texts.every((text) => text !== undefined)) {
      entries.set(place, Array.isArray(value) ? texts : (texts[0] ?? ""));
    } else if (isRecord(value) && depth < MAX_DEPTH) {
      for (const [name, inner] of Object.entries(value)) {
        take(inner, place === "" ? name : `${place}.${name}`, depth + 1);
      }
    } else if (Array.isArray(value) && value.every(isRecord) && depth < MAX_DEPTH) {
      value.forEach((item, index) => {
        const at = `${place}[${index}]`;
        if (Object.keys(item).length === 0) problems.push(`${at}: is empty. Remove it.`);
        take(item, at, depth + 1);
      });
    } else {
      problems.push(
        `${place || "the file"}: give a text, a number, true or false, or a list of texts.`,
      );
    }
  };
  if (isRecord(json)) take(json, "", 0);
  else problems.push("the file: give a JSON object.");
  if (problems.length > 0) {
    throw new BlockcloudError(
      "CONFIG_INVALID",
      problems.map((line) => `${file}: ${line}`).join("\n"),
    );
  }
  return entries;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  const simple =
    typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return simple ? String(value) : undefined;
}

/**
 * A number as it was written: the same text that a flag would have. As a number, an amount could lose its last digits,
 * and `1e3` or `-0` would become other texts.
 */
function asWritten(_name: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" ? (context?.source ?? value) : value;
}
