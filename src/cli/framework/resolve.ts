import { existsSync } from "node:fs";
import path from "node:path";
import { readConfigFile, type ConfigEntries } from "../../node/config.ts";
import { FoundKey } from "../../node/keys.ts";
import { mayBeSecret } from "../../node/misplaced.ts";
import { readPasswordFile } from "../../node/secretFile.ts";
import { everyFlags } from "./commonFlags.ts";
import type { Flag, Flags } from "./flag.ts";
import type { CliIo } from "./io.ts";
import { askPassword } from "./prompt.ts";
import {
  findSetting,
  readSetting,
  type FoundSetting,
  type Problems,
  type Sources,
} from "./settings.ts";

/** The default configuration file, read if it exists. */
const DEFAULT_CONFIG = "blockcloud.json";

/** The places of the configuration file, of all commands. */
export type Places = ReadonlyMap<string, Flag<unknown>>;

/** The settings of a command, before its keys are opened. */
export interface Resolved {
  readonly values: Record<string, unknown>;
  readonly found: Readonly<Record<string, FoundSetting | undefined>>;
}

/** Reads all flags of a command, and collects the problems. */
export function resolveFlags(
  flags: Flags,
  given: (flag: Flag<unknown>) => unknown,
  sources: Sources,
  problems: Problems,
): Resolved {
  const values: Record<string, unknown> = {};
  const found: Record<string, FoundSetting | undefined> = {};
  for (const [name, flag] of Object.entries(flags)) {
    found[name] = findSetting(flag, given(flag), sources);
    values[name] = readSetting(flag, found[name], sources, problems);
  }
  return { values, found };
}

/**
 * Reads the configuration file and checks all of it, including settings of other commands.
 *
 * @param loadPlaces Called only if there is a file.
 */
export async function readSources(
  io: CliIo,
  given: unknown,
  loadPlaces: () => Promise<Places>,
  problems: Problems,
): Promise<Sources> {
  const none = { io, config: new Map() as ConfigEntries, configFile: undefined };
  const named = findSetting(everyFlags.config, given, none)?.raw;
  // The flag is read with all others, which notes that it is no path.
  if (typeof named === "string" && mayBeSecret(named)) return none;
  const file = path.resolve(io.cwd, typeof named === "string" ? named : DEFAULT_CONFIG);
  if (named === undefined && !existsSync(file)) return none;
  const config = problems.collect("configuration", () => readConfigFile(file));
  if (config === undefined) return none;
  const sources: Sources = { io, config, configFile: file };
  const places = await loadPlaces();
  for (const place of config.keys()) {
    const flag = places.get(place);
    if (flag === undefined)
      problems.add(`"${place}" in ${file}: unknown. Remove it, or see docs/cli.md.`);
    // Only the command that uses a key checks that it can be read.
    else if (flag.kind !== "key" && flag.kind !== "keys") {
      const found = findSetting(flag, undefined, { ...sources, io: { ...io, env: {} } });
      readSetting(flag, found, sources, problems);
    }
  }
  return sources;
}

/**
 * Opens the keys among a command's values.
 *
 * @throws BlockcloudError `KEY_PASSWORD`, `KEY_PASSWORD_MISSING`, or as `readSecretFile`.
 */
export async function openKeys(
  values: Readonly<Record<string, unknown>>,
  passwordFile: unknown,
  io: CliIo,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const ask = (question: string) => askPassword(io, question, signal);
  const password = passwordOf(typeof passwordFile === "string" ? passwordFile : undefined, io, ask);
  const open = (value: unknown) => (value instanceof FoundKey ? value.unlock(password) : value);
  const opened: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    opened[name] = Array.isArray(value) ? await Promise.all(value.map(open)) : await open(value);
  }
  return opened;
}

/** The password of encrypted keys: from its file, from the environment, or by a question. */
export function passwordOf(
  passwordFile: string | undefined,
  { env }: Pick<CliIo, "env">,
  ask: (question: string) => Promise<string>,
): (where: string) => Promise<string> {
  return async (where) => {
    if (passwordFile !== undefined) return readPasswordFile(passwordFile);
    return env.BLOCKCLOUD_PASSWORD ?? (await ask(`Password of ${where}`));
  };
}
