import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { findKey, findKeys, type FoundKey } from "../../node/keys.ts";
import { mayBeSecret, refuseSecret } from "../../node/misplaced.ts";
import type { ConfigEntries } from "../../node/config.ts";
import { BlockcloudError, withoutRemedy } from "../../protocol/errors.ts";
import type { Flag } from "./flag.ts";
import type { CliIo } from "./io.ts";

/** Maximum size of a document that a flag names, bytes. */
const MAX_DOCUMENT_BYTES = 64 * 1024;

/** The raw value of a flag: a text, or several for a list. */
type Raw = string | readonly string[];

/** The sources of settings, and the path of the configuration file. */
export interface Sources {
  readonly io: CliIo;
  readonly config: ConfigEntries;
  readonly configFile: string | undefined;
}

/** Collects all problems of a command's settings, to report them at once. */
export class Problems {
  readonly #lines = new Set<string>();
  /** The last error about a key, with its source. */
  #ofKey: { source: string; error: BlockcloudError } | undefined;

  add(line: string): void {
    this.#lines.add(line);
  }

  /** Runs a function, and collects the `BlockcloudError` that it throws. */
  collect<T>(source: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof BlockcloudError)) throw error;
      for (const line of error.message.split("\n")) {
        this.add(error.code === "CONFIG_INVALID" ? line : `${source}: ${error.code}: ${line}`);
      }
      return undefined;
    }
  }

  /** As {@link collect}, for a function that finds keys. */
  collectKey<T>(source: string, work: () => T): T | undefined {
    return this.collect(source, () => {
      try {
        return work();
      } catch (error) {
        if (error instanceof BlockcloudError) this.#ofKey = { source, error };
        throw error;
      }
    });
  }

  /**
   * @throws BlockcloudError `CONFIG_INVALID` with one line for each problem; an error about a key, if it is the only
   *   problem, as commands without other settings report it.
   */
  raise(): void {
    if (this.#lines.size === 0) return;
    if (this.#lines.size === 1 && this.#ofKey !== undefined) {
      const { source, error } = this.#ofKey;
      const { code, cause, remedy } = error;
      const message = `${source}: ${withoutRemedy(error)}`;
      throw new BlockcloudError(code, message, { cause, ...(remedy !== undefined && { remedy }) });
    }
    const count = this.#lines.size === 1 ? "1 problem" : `${this.#lines.size} problems`;
    throw new BlockcloudError(
      "CONFIG_INVALID",
      `${count} with the settings:\n${[...this.#lines].map((line) => `  ${line}`).join("\n")}\n `,
      { remedy: "See the settings of the command with --help." },
    );
  }
}

/** The raw value of a setting, and its source. */
export interface FoundSetting {
  readonly source: string;
  readonly raw: Raw;
}

/**
 * Finds a flag's text: the flag itself, then the environment, then the configuration file, then its
 * default.
 *
 * @param given The value that commander read.
 */
export function findSetting(
  flag: Flag<unknown>,
  given: unknown,
  { io, config, configFile }: Sources,
): FoundSetting | undefined {
  const { options, kind } = flag;
  const many = kind === "list" || kind === "keys";
  if (given !== undefined) {
    return { source: nameOf(flag), raw: given === true ? "true" : (given as Raw) };
  }
  const variable = options.env === undefined ? undefined : io.env[options.env];
  if (variable !== undefined && variable.trim() !== "" && kind !== "key" && kind !== "keys") {
    const raw = many ? variable.split(",").map((item) => item.trim()) : variable;
    return { source: `$${options.env ?? ""}`, raw };
  }
  const entry = options.config === undefined ? undefined : config.get(options.config);
  // A key in the environment precedes a file that the configuration names.
  if (entry !== undefined && (variable === undefined || variable.trim() === "")) {
    const source = `"${options.config ?? ""}" in ${configFile ?? ""}`;
    const raw = many && typeof entry === "string" ? [entry] : entry;
    return { source, raw: isPath(flag) ? fromFolder(raw, path.dirname(configFile ?? "")) : raw };
  }
  if (options.default === undefined) return undefined;
  return { source: "default", raw: many ? [options.default] : options.default };
}

/** The value of a flag; collects its problems. A key is located but not opened yet. */
export function readSetting(
  flag: Flag<unknown>,
  found: FoundSetting | undefined,
  sources: Sources,
  problems: Problems,
): unknown {
  if (flag.kind === "key" || flag.kind === "keys") return readKeys(flag, found, sources, problems);
  if (found === undefined) {
    const { required, preset } = flag.options;
    if (required === true && preset !== true) problems.add(missing(flag));
    return flag.kind === "list" ? [] : undefined;
  }
  const isMisplaced = flag.kind === "path" && [found.raw].flat().some(mayBeSecret);
  if (isMisplaced) {
    refused(found, problems);
    return undefined;
  }
  const raw = flag.kind === "document" ? documentText(found, sources.io, problems) : found.raw;
  if (raw === undefined) return undefined;
  const parsed = flag.schema.safeParse(raw);
  if (parsed.success) {
    return flag.kind === "path" ? path.resolve(sources.io.cwd, parsed.data as string) : parsed.data;
  }
  const shown = flag.options.secret === true || containsKey(found.raw);
  const what = shown ? "" : ` ${JSON.stringify(found.raw)}:`;
  for (const { message } of parsed.error.issues) problems.add(`${found.source}:${what} ${message}`);
  return undefined;
}

/** Says that a flag is missing, and how to give it. */
export function missing(flag: Flag<unknown>): string {
  return `${nameOf(flag)}: missing. ${howTo(flag)}`;
}

/** The name of a flag: `--stake`. */
export function nameOf(flag: Flag<unknown>): string {
  return flag.syntax.split(/[ ,]/)[0] ?? "";
}

/** All ways to give a flag, for a remedy. */
function howTo(flag: Flag<unknown>): string {
  const { env, config } = flag.options;
  const ways = [
    `give ${flag.syntax}`,
    ...(env === undefined ? [] : [`set ${env}`]),
    ...(config === undefined ? [] : [`set "${config}" in the configuration file`]),
  ];
  const last = ways.pop() ?? "";
  const text = ways.length === 0 ? last : `${ways.join(", ")} or ${last}`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The text itself, or the content of its file for `@<file>`. */
function documentText(
  { source, raw }: FoundSetting,
  io: CliIo,
  problems: Problems,
): Raw | undefined {
  if (typeof raw !== "string" || !raw.startsWith("@")) return raw;
  if (mayBeSecret(raw.slice(1))) {
    refused({ source, raw }, problems);
    return undefined;
  }
  const name = path.resolve(io.cwd, raw.slice(1));
  try {
    if (statSync(name).size <= MAX_DOCUMENT_BYTES) return readFileSync(name, "utf8");
    problems.add(`${source}: ${name} is longer than ${MAX_DOCUMENT_BYTES} bytes.`);
  } catch {
    problems.add(`${source}: ${name} cannot be read. Check the path and its permissions.`);
  }
  return undefined;
}

function readKeys(
  flag: Flag<unknown>,
  found: FoundSetting | undefined,
  { io }: Sources,
  problems: Problems,
): FoundKey | FoundKey[] | undefined {
  const variable = flag.options.env ?? "";
  const { env } = io;
  const source = found?.source ?? `$${variable}`;
  const files = found === undefined ? [] : [found.raw].flat().map((file) => keyPath(io, file));
  if (flag.kind === "keys")
    return problems.collectKey(source, () => findKeys({ files, variable, env }));
  const absent = files.length === 0 && (env[variable] ?? "").trim() === "";
  if (!absent) return problems.collectKey(source, () => findKey({ file: files[0], variable, env }));
  if (flag.options.required === true) problems.add(missing(flag));
  return undefined;
}

/** A key in place of a file name must not become part of a path that is shown. */
function keyPath(io: CliIo, file: string): string {
  return mayBeSecret(file) ? file : path.resolve(io.cwd, file);
}

/** Notes that a secret stands where a path belongs, without repeating it. */
function refused({ source, raw }: FoundSetting, problems: Problems): void {
  problems.collect(source, () => {
    for (const item of [raw].flat()) refuseSecret(item.replace(/^@/, ""));
  });
}

function isPath({ kind }: Flag<unknown>): boolean {
  return kind === "path" || kind === "key" || kind === "keys";
}

function fromFolder(raw: Raw, folder: string): Raw {
  return typeof raw === "string"
    ? path.resolve(folder, raw)
    : raw.map((item) => path.resolve(folder, item));
}

function containsKey(raw: Raw): boolean {
  return [raw].flat().some(mayBeSecret);
}
