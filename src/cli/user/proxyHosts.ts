import { existsSync, readFileSync, statSync } from "node:fs";
import { silentLogger } from "../../node/logger.ts";
import { replaceFile } from "../../node/replaceFile.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { canonicalName, parseName, rawName, ZONE, ZONES } from "../../protocol/name.ts";
import { readHostsFile, textOf, type HostsLine } from "../../sal/proxy/map/hostsFile.ts";
import { mapStoreFile } from "../../sal/proxy/map/mapStore.ts";
import { addressText } from "../../sal/proxy/map/range.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { state } from "../framework/commonFlags.ts";
import { exitCodes } from "../framework/exitCodes.ts";
import { file, list, required, toggle } from "../framework/flag.ts";
import { anyText } from "../framework/values.ts";
import { clientOf, fullName, userFlags } from "./flags.ts";
import { openMappings } from "./openMappings.ts";
import { map } from "./mapFlags.ts";

/** Largest hosts file that is read: some block lists have tens of megabytes. */
const MAX_BYTES = 64 * 1024 * 1024;
const BACKUP = ".before-blockcloud";

const hostsArgs = {
  names: list("<name...>", "names of services", anyText, { required: true }),
};

const hostsFlags = {
  ...userFlags,
  state,
  map: required(map),
  write: toggle("--write", "write the lines into the hosts file; else they are printed"),
  remove: toggle("--remove", "take the names out of the hosts file"),
  check: toggle("--check", "only say whether the hosts file has the names; exit code 1 if not"),
  hostsFile: file(
    "--hosts-file <path>",
    "the system's hosts file (default: /etc/hosts)",
    anyText,
    {},
  ),
};

/** `blockcloud proxy hosts` */
export const proxyHosts = chainCommand(
  {
    args: hostsArgs,
    flags: hostsFlags,
    examples: [
      "blockcloud proxy hosts weather.bloc.alt --map 127.77.0.0/16",
      "blockcloud proxy hosts weather.bloc.alt roof.weather.bloc.alt --map 127.77.0.0/16 --json",
    ],
    notes: `For a system whose name service does not ask the proxy's DNS. The names get the addresses that the proxy's DNS
would answer, and keep them. The lines stand in a block of their own between two marks; the rest of the file is not
changed, and a copy of it stays beside it. Use the state folder and the range of the proxy.`,
    async run(context) {
      const { args, flags } = context;
      const { write, remove, check } = flags;
      if ([write, remove, check].filter(Boolean).length > 1) {
        throw new BlockcloudError("USAGE", "Give one of --write, --remove and --check.");
      }
      const names = args.names.map(hostName);
      if (check) return checkNames(names, context);
      if (remove) {
        removeNames(names, context);
        return undefined;
      }
      const lines = await linesOf(names, context);
      if (write) addLines(lines, context);
      else context.output.print({ lines }, lines.map(textOf).join("\n"));
      return undefined;
    },
  },
  { checkChain: false },
);

type Context = Parameters<
  Parameters<typeof chainCommand<typeof hostsFlags, typeof hostsArgs>>[0]["run"]
>[0];

/** The lines of names, whose addresses stay theirs from here on. */
async function linesOf(
  names: readonly string[],
  { flags, deployment, client: chain, io, signal }: Context,
): Promise<HostsLine[]> {
  const environment = { client: chain, timers: io.timers, log: silentLogger };
  const client = await clientOf(flags, deployment, environment);
  const { mappings, close } = openMappings(flags.state, deployment, flags.map, io.now);
  try {
    const lines: HostsLine[] = [];
    for (const name of names) {
      const { serviceId } = await client.resolve(name, { signal });
      const mapping = mappings.of(serviceId, name);
      // No query tells the proxy that a name of a hosts file is in use.
      mappings.pin(mapping, true);
      lines.push({ address: addressText(mapping.address), names: bothZones(name) });
    }
    return lines;
  } finally {
    close();
    await client.close();
  }
}

function addLines(lines: readonly HostsLine[], context: Context): void {
  const hosts = hostsFileOf(context);
  const file = readHostsFile(readHosts(hosts));
  for (const { address, names } of lines) {
    for (const name of names) {
      const other = file.elsewhere(name);
      if (other !== undefined && other !== address) throw conflict(hosts, name, other);
    }
  }
  const added = new Set(lines.map(firstOf));
  const all = [...file.lines.filter((line) => !added.has(firstOf(line))), ...lines];
  change(hosts, file.with(all), all, context);
}

function removeNames(names: readonly string[], context: Context): void {
  const { flags, deployment, io } = context;
  const hosts = hostsFileOf(context);
  const file = readHostsFile(readHosts(hosts));
  const left = file.lines.filter((line) => !names.includes(firstOf(line)));
  change(hosts, file.with(left), left, context);
  if (!existsSync(mapStoreFile(flags.state, deployment))) return;
  const { mappings, close } = openMappings(flags.state, deployment, flags.map, io.now);
  const named = new Set(left.map(({ address }) => address));
  for (const mapping of mappings.all) {
    if (mapping.pinned && !named.has(addressText(mapping.address))) mappings.pin(mapping, false);
  }
  close();
}

function checkNames(names: readonly string[], context: Context): number {
  const hosts = hostsFileOf(context);
  const { lines } = readHostsFile(readHosts(hosts));
  const known = new Set(lines.map(firstOf));
  const missing = names.filter((name) => !known.has(name));
  const ok = missing.length === 0;
  const text = ok ? `${hosts} has all names.` : `${hosts} does not have: ${missing.join(" ")}`;
  context.output.print({ ok, missing }, text);
  return ok ? exitCodes.ok : exitCodes.failed;
}

function change(
  file: string,
  wanted: string,
  lines: readonly HostsLine[],
  { output }: Context,
): void {
  if (wanted === readHosts(file)) {
    output.print({ file, changed: false, lines }, `${file} is as it should be.`);
    return;
  }
  const copy = replaceFile(file, wanted, BACKUP);
  const shown = [`${file} is changed; as it was before, it is ${copy}.`, ...lines.map(textOf)];
  output.print({ file, changed: true, copy, lines }, shown.join("\n"));
}

function hostsFileOf({ flags }: Context): string {
  return flags.hostsFile ?? "/etc/hosts";
}

/** The name in `canonicalName`'s form, by which a line is known. */
function firstOf({ names: [first = ""] }: HostsLine): string {
  return first;
}

/** A name, number or ID of a service as a host's name. */
function hostName(text: string): string {
  const name = canonicalName(fullName(text));
  const parsed = parseName(name);
  return parsed.kind === "id" ? rawName(parsed.serviceId) : name;
}

/** The name in both zones, under `bloc.alt` first. */
function bothZones(name: string): string[] {
  const inner = name.slice(0, -ZONE.length);
  return ZONES.map((zone) => `${inner}${zone}`);
}

function readHosts(file: string): string {
  const { size } = statSync(file);
  if (size <= MAX_BYTES) return readFileSync(file, "latin1");
  throw new BlockcloudError("HOSTS_TOO_LARGE", `${file} has ${size} bytes.`, {
    remedy: `Blockcloud changes hosts files of at most ${MAX_BYTES} bytes: add the lines by hand.`,
  });
}

function conflict(file: string, name: string, address: string): BlockcloudError {
  return new BlockcloudError("HOSTS_CONFLICT", `${file} gives ${name} the address ${address}.`, {
    remedy: "Remove that line: programs would use the first one.",
  });
}
