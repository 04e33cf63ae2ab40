import { Command, CommanderError } from "commander";
import { commands } from "./commands.ts";
import type { CommandDefinition, Shared } from "./framework/command.ts";
import type { CommandEntry, GroupEntry, ProgramSpec } from "./framework/entry.ts";
import { exitCodeOf } from "./framework/exitCodes.ts";
import type { CliIo } from "./framework/io.ts";
import { describeError } from "./framework/output.ts";
import { fileFault } from "../node/fileFault.ts";
import { withoutKeys } from "../node/misplaced.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { ownVersion } from "./version.ts";

/** `blockcloud`. */
const blockcloud: ProgramSpec = {
  name: "blockcloud",
  about: "Address services by an ID instead of a network address.",
  entries: commands,
  version: ownVersion,
  places: async () => (await import("./configuration.ts")).places,
};

/** Commands that were loaded, by their entries in the table. */
type Loaded = ReadonlyMap<CommandEntry, CommandDefinition>;

/** The program with all its commands loaded, for tests and generated files. */
export async function loadProgram(
  io: CliIo,
  spec: ProgramSpec = blockcloud,
): Promise<{ program: Command; definitions: readonly CommandDefinition[] }> {
  const entries = Object.values(spec.entries).flatMap((entry) =>
    "commands" in entry ? Object.values(entry.commands) : [entry],
  );
  const loaded = await load(entries);
  return {
    program: createProgram(spec, loaded, sharedOf(io, spec)),
    definitions: [...loaded.values()],
  };
}

/**
 * Runs one command line. Only the named command is loaded: the help of the program and of its groups
 * needs none.
 *
 * @param args Without the names of the interpreter and the script.
 * @returns The exit code (docs/cli.md). Errors are printed.
 */
export async function runProgram(
  args: readonly string[],
  io: CliIo,
  spec: ProgramSpec = blockcloud,
): Promise<number> {
  const shared = sharedOf(io, spec);
  try {
    const program = createProgram(spec, await load(meant(args, spec)), shared);
    await program.parseAsync(args, { from: "user" });
    return shared.exitCode;
  } catch (thrown) {
    const error = await explained(thrown);
    const code = exitCodeOf(error);
    if (code === 0) return code;
    const { text, json } = describeError(error);
    if (text !== "") io.stderr.write(`${text}\n`);
    if (args.includes("--json")) io.stdout.write(`${json}\n`);
    return code;
  }
}

function sharedOf(io: CliIo, spec: ProgramSpec): Shared {
  return { io, places: spec.places, exitCode: 0 };
}

async function load(entries: readonly CommandEntry[]): Promise<Loaded> {
  return new Map(
    await Promise.all(entries.map(async (entry) => [entry, await entry.load()] as const)),
  );
}

/**
 * The command that a line names, or the default command of the named group. Neither the program nor the groups
 * have flags with values, so the first words are the names, perhaps with `help` among them.
 */
function meant(args: readonly string[], { entries }: ProgramSpec): CommandEntry[] {
  const [first = "", second = ""] = args.filter((word) => !/^-|^help$/.test(word));
  const entry = own(entries, first);
  if (entry === undefined) return [];
  if (!("commands" in entry)) return [entry];
  const named = [second, entry.otherwise ?? ""].map((name) => own(entry.commands, name));
  return named.filter((command) => command !== undefined);
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** The program; commands that were not loaded have only their names and descriptions. */
function createProgram(spec: ProgramSpec, loaded: Loaded, shared: Shared): Command {
  const { io } = shared;
  const program = new Command(spec.name)
    .description(spec.about)
    .showHelpAfterError("(add --help for help)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(withoutKeys(text)),
    });
  if (spec.version !== undefined)
    program.version(spec.version(), "-V, --version", "print the version");
  for (const [name, entry] of Object.entries(spec.entries)) {
    if ("commands" in entry) addGroup(program, name, entry, loaded, shared);
    else addCommand(program, name, entry, loaded, shared);
  }
  return program;
}

function addGroup(
  program: Command,
  name: string,
  { about, commands: below, otherwise }: GroupEntry,
  loaded: Loaded,
  shared: Shared,
): void {
  const group = program.command(name).description(about);
  for (const [each, entry] of Object.entries(below)) {
    addCommand(group, each, entry, loaded, shared, { isDefault: each === otherwise });
  }
}

function addCommand(
  parent: Command,
  name: string,
  entry: CommandEntry,
  loaded: Loaded,
  shared: Shared,
  options: { isDefault?: boolean } = {},
): void {
  const command = parent.command(name, options).description(entry.about);
  const definition = loaded.get(entry);
  if (definition === undefined) {
    command.action(() => {
      throw new Error(`The command ${name} was not loaded.`);
    });
  } else definition.define(command, shared);
}

/** Converts a thrown error to a `BlockcloudError` if possible. Only a viem error needs viem to be loaded. */
async function explained(thrown: unknown): Promise<unknown> {
  if (thrown instanceof BlockcloudError || thrown instanceof CommanderError) return thrown;
  const fault = fileFault(thrown);
  if (fault !== undefined) return fault;
  const { explain } = await import("./framework/explain.ts");
  return explain(thrown);
}
