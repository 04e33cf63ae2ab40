import path from "node:path";
import { readConfigFile, type ConfigEntries } from "../../node/config.ts";
import { refuseSecret } from "../../node/misplaced.ts";
import { service } from "../framework/commonFlags.ts";
import { file, list, type Flag, type Flags, type Values } from "../framework/flag.ts";
import type { CliIo } from "../framework/io.ts";
import { resolveFlags } from "../framework/resolve.ts";
import { nameOf, type Problems } from "../framework/settings.ts";
import { anyText } from "../framework/values.ts";
import { listen, upstream } from "./flags.ts";
import { checkServing, servingFlags } from "./servingFlags.ts";

/** Most services of one file; also the bound of what one process should serve. */
const MAX_SERVICES = 100;

/** The settings of a service in the file, by name: those of the flags, and the files of its keys. */
const entryFlags = {
  service,
  upstream,
  listen,
  ...servingFlags,
  serviceKeyFile: file("--service-key-file <path>", "file with the service's key", anyText, {
    required: true,
  }),
  previousServiceKeyFiles: list("--previous-service-key-file <path...>", "", anyText, {}),
};

/** A service as the file describes it; paths are absolute. */
export type ServiceEntry = Values<typeof entryFlags>;

/**
 * Reads the services of a file: JSON with the list `services`. All faults are collected; a secret is never repeated.
 */
export function readServices(name: string, io: CliIo, problems: Problems): ServiceEntry[] {
  const config = problems.collect(name, () => readConfigFile(name));
  if (config === undefined) return [];
  const count = countOf(config);
  for (const place of config.keys()) {
    const [, index, setting = ""] = /^services\[(\d+)\]\.(\w+)$/.exec(place) ?? [];
    if (index !== undefined && Object.hasOwn(entryFlags, setting)) continue;
    if (place === "services" && count === 0) continue;
    problems.add(`"${place}" in ${name}: unknown. Remove it, or see docs/cli.md.`);
  }
  if (count === 0) problems.add(`"services" in ${name}: give at least one service.`);
  if (count > MAX_SERVICES) {
    problems.add(`"services" in ${name}: ${count} services. Give at most ${MAX_SERVICES}.`);
    return [];
  }
  const entries = Array.from({ length: count }, (_, index) =>
    readEntry(index, { io, config, configFile: name }, problems),
  );
  noteRepeated(entries, name, problems);
  return entries;
}

/** The number of services; an empty object, which has no place, was refused. */
function countOf(config: ConfigEntries): number {
  const indices = [...config.keys()].map((place) => /^services\[(\d+)\]/.exec(place)?.[1] ?? -1);
  return Math.max(-1, ...indices.map(Number)) + 1;
}

function readEntry(
  index: number,
  sources: { io: CliIo; config: ConfigEntries; configFile: string },
  problems: Problems,
): ServiceEntry {
  const placed: Flags = Object.fromEntries(
    Object.entries(entryFlags).map(([name, flag]) => [name, place(flag, placeOf(index, name))]),
  );
  const resolved = resolveFlags(placed, () => undefined, sources, problems);
  const { values, found } = resolved;
  checkServing(resolved, problems);
  for (const [name, { options }] of Object.entries(entryFlags)) {
    if ("required" in options && found[name] === undefined)
      problems.add(`"${placeOf(index, name)}" in ${sources.configFile}: missing.`);
  }
  const entry = values as unknown as ServiceEntry;
  const folder = path.dirname(sources.configFile);
  const previous = entry.previousServiceKeyFiles ?? [];
  const at = `"${placeOf(index, "previousServiceKeyFiles")}" in ${sources.configFile}`;
  for (const each of previous) {
    problems.collect(at, () => {
      refuseSecret(each);
    });
  }
  return { ...entry, previousServiceKeyFiles: previous.map((each) => path.resolve(folder, each)) };
}

/** The flag with another place; neither its environment variable nor its command line counts for it. */
function place({ options, ...flag }: Flag<unknown>, config: string): Flag<unknown> {
  const { default: value, secret } = options;
  return {
    ...flag,
    options: {
      config,
      ...(value === undefined ? {} : { default: value }),
      ...(secret === undefined ? {} : { secret }),
    },
  };
}

function placeOf(index: number, name: string): string {
  return `services[${index}].${name}`;
}

/** Two gateways cannot listen at one address, and two agents of one service work against each other. */
function noteRepeated(
  entries: readonly Partial<ServiceEntry>[],
  name: string,
  problems: Problems,
): void {
  const seen = new Map<string, number>();
  const note = (index: number, setting: string, value: string) => {
    const key = `${setting} ${value}`;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else {
      problems.add(
        `"${placeOf(index, setting)}" in ${name}: ${value} is the same as in services[${first}].`,
      );
    }
  };
  for (const [index, entry] of entries.entries()) {
    if (entry.service !== undefined) note(index, nameOf(service).slice(2), String(entry.service));
    const { host, port } = entry.listen ?? { host: "", port: 0 };
    // Port 0 is any free port.
    if (port !== 0) note(index, nameOf(listen).slice(2), `${host}:${port}`);
  }
}
