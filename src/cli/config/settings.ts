import { loadDeployment } from "../../chain/deployment.ts";
import { networkFile } from "../../chain/networks.ts";
import { readCertificates } from "../../node/certificates.ts";
import { FoundKey } from "../../node/keys.ts";
import { places } from "../configuration.ts";
import {
  defineCommand,
  type Check,
  type CommandDefinition,
  type CommandSpec,
} from "../framework/command.ts";
import { optional, type Flag, type Flags } from "../framework/flag.ts";
import type { Output } from "../framework/output.ts";
import { findSetting, readSetting, type Problems, type Sources } from "../framework/settings.ts";
import { gatewayFlags } from "../provider/gatewayFlags.ts";

/** A setting as commands would take it, unless a flag says otherwise. */
export interface Setting {
  place: string;
  /** Text that can be shown: of a key, its address; of a secret, that there is one. */
  value: string | readonly string[];
  /** Variable, place and file, or `default`. */
  source: string;
}

const HIDDEN = "<hidden>";

/** What the commands of this group get of settings that were checked. */
export interface SettingsFound {
  /** The configuration file; undefined where there is none. */
  file: string | undefined;
  settings: readonly Setting[];
}

/** A command about all settings: they are read, and what is wrong with any of them is told at once. */
export function settingsCommand(
  spec: Pick<CommandSpec<Flags, Flags>, "examples" | "notes"> & {
    run(found: SettingsFound, output: Output): void;
  },
): CommandDefinition {
  const check: Check = (resolved, sources, problems) => {
    resolved.values.found = readSettings(sources, problems);
  };
  return defineCommand({ ...spec, flags: {} }, check, ({ flags, output }) => {
    spec.run((flags as unknown as { found: SettingsFound }).found, output);
    return Promise.resolve(undefined);
  });
}

function readSettings(sources: Sources, problems: Problems): SettingsFound {
  const settings: Setting[] = [];
  for (const [place, flag] of places) {
    const found = findSetting(flag, undefined, sources);
    const value = readSetting(optional(flag), found, sources, problems);
    const isNothing = value === undefined || (Array.isArray(value) && value.length === 0);
    if (isNothing) continue;
    const source = found?.source ?? `$${flag.options.env ?? ""}`;
    settings.push({ place, value: shown(flag, value, found?.raw), source });
  }
  checkDeployment(settings, problems);
  const ca = settings.find(({ place }) => place === gatewayFlags.upstreamCa.options.config);
  if (ca !== undefined) problems.collect(ca.source, () => readCertificates(String(ca.value)));
  return { file: sources.configFile, settings };
}

/** One of the two names a deployment; that it can be read is part of what is checked. */
function checkDeployment(settings: readonly Setting[], problems: Problems): void {
  const of = (name: string) => settings.find(({ place }) => place === name);
  const [file, network] = [of("deployment"), of("network")];
  const named = file ?? network;
  if (named === undefined) return;
  const name = String(named.value);
  problems.collect(named.source, () =>
    loadDeployment(file === undefined ? networkFile(name) : name),
  );
}

function shown(
  flag: Flag<unknown>,
  value: unknown,
  raw: string | readonly string[] | undefined,
): Setting["value"] {
  if (value instanceof FoundKey) return keyText(value);
  if (flag.kind === "keys") return (value as readonly FoundKey[]).map(keyText);
  if (flag.options.secret === true) return Array.isArray(value) ? value.map(() => HIDDEN) : HIDDEN;
  if (flag.kind === "path") return String(value);
  return raw ?? String(value);
}

function keyText({ where, address, encrypted }: FoundKey): string {
  return `${where}${address === undefined ? "" : ` (${address})`}${encrypted ? ", encrypted" : ""}`;
}
