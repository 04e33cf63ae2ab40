/**
 * How a command is added
 *
 * 1. One file a command: `src/cli/<group>/<name>.ts`, exporting the result of `localCommand`,
 *    `chainCommand` or `transactCommand`, by what it needs; a worker takes `chainCommand` and
 *    `runWorker`.
 * 2. Flags come from `commonFlags.ts`, or are declared beside the command with `text`, `list`, `toggle`,
 *    `file` or `key`. `options.env` and `options.config` open the other two ways of giving them; a place
 *    in the configuration file exists because a flag names it.
 * 3. `run` gets values that were checked. It prints once, with `output.print(json, text)`, tells what
 *    takes long with `progress`, stops when `signal` aborts, and throws `BlockcloudError` for what can go
 *    wrong; `exitCodes.ts` says which code ends the process how.
 * 4. At least one example, without `--deployment` and `--rpc`: a test runs each of them.
 * 5. A line in `program.ts` and in docs/cli.md; a test compares.
 */
import { Argument, Command, Option } from "commander";
import { exitCodes } from "./exitCodes.ts";
import { everyFlags, keyFlags } from "./commonFlags.ts";
import type { Flag, Flags, Values } from "./flag.ts";
import type { CliIo } from "./io.ts";
import { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { confirm } from "./prompt.ts";
import { openKeys, readSources, resolveFlags, type Resolved } from "./resolve.ts";
import { Problems, type Sources } from "./settings.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** What every command declares. */
export interface CommandSpec<F extends Flags, A extends Flags> {
  readonly name: string;
  /** One sentence for the list of commands. */
  readonly about: string;
  readonly flags: F;
  /** Values without a name, in their order; the syntax is `<file>`. */
  readonly args?: A;
  /** Command lines that work as they stand, given an RPC endpoint and a deployment. */
  readonly examples: readonly string[];
  /** What else a person should know, after the examples. */
  readonly notes?: string;
}

/** What every command's `run` gets. */
export interface LocalContext<F extends Flags, A extends Flags> {
  readonly flags: Values<F>;
  readonly args: Values<A>;
  readonly io: CliIo;
  readonly output: Output;
  readonly progress: Progress;
  /** Aborted by Ctrl-C and SIGTERM, with an error that says how to go on. */
  readonly signal: AbortSignal;
  /** @throws BlockcloudError `REFUSED`. */
  confirm(question: string): Promise<void>;
}

/** What the commands of one program share. */
export interface Shared {
  readonly io: CliIo;
  /** Places of the configuration file, filled as commands are made. */
  readonly places: Map<string, Flag<unknown>>;
  /** Exit code of the command that ran. */
  exitCode: number;
}

/** Makes a command for a program. */
export type CommandFactory = (shared: Shared) => Command;

/** A further check of what was given, before anything is done. */
export type Check = (resolved: Resolved, sources: Sources, problems: Problems) => void;

/** A command that needs no chain. `run` may give another exit code than 0. */
export function localCommand<F extends Flags, A extends Flags = Flags>(
  spec: CommandSpec<F, A> & { run(context: LocalContext<F, A>): Promise<number | undefined> },
): CommandFactory {
  return defineCommand(spec, () => {}, spec.run);
}

/** The command behind all kinds: reads and checks settings, opens keys, runs. */
export function defineCommand<F extends Flags, A extends Flags>(
  spec: CommandSpec<F, A>,
  check: Check,
  run: (context: LocalContext<F, A>) => Promise<number | undefined>,
): CommandFactory {
  const flags: Flags = { ...spec.flags, ...everyFlags, ...(hasKeys(spec.flags) ? keyFlags : {}) };
  const args: Flags = spec.args ?? {};
  return (shared) => {
    const command = describe(spec, flags, args, shared);
    return command.action(async () => {
      const { io } = shared;
      const problems = new Problems();
      const given = command.opts<Record<string, unknown>>();
      const givenFor = (flag: Flag<unknown>) => given[new Option(flag.syntax).attributeName()];
      const sources = readSources(io, givenFor(everyFlags.config), shared.places, problems);
      const resolved = resolveFlags(flags, givenFor, sources, problems);
      const positions = Object.values(args);
      const argument = (flag: Flag<unknown>) => command.args[positions.indexOf(flag)];
      const positional = resolveFlags(args, argument, sources, problems);
      check(resolved, sources, problems);
      problems.raise();

      const { signal, unlisten } = interruptible(io);
      try {
        const values = await openKeys(resolved.values, resolved.values.passwordFile, io, signal);
        const context: LocalContext<F, A> = {
          flags: values as Values<F>,
          args: positional.values as Values<A>,
          io,
          output: new Output(values.json === true, io.stdout),
          progress: new Progress(io.stderr, io.interactive),
          signal,
          confirm: (question) => confirm(io, question, signal),
        };
        try {
          shared.exitCode = (await run(context)) ?? exitCodes.ok;
        } finally {
          context.progress.clear();
        }
      } finally {
        unlisten();
      }
    });
  };
}

function describe(
  spec: CommandSpec<Flags, Flags>,
  flags: Flags,
  args: Flags,
  shared: Shared,
): Command {
  const command = new Command(spec.name).description(spec.about);
  for (const flag of Object.values(args))
    command.addArgument(new Argument(flag.syntax, flag.about));
  for (const flag of Object.values(flags)) {
    const { config } = flag.options;
    // A command that only looks at a key's file shares its place with those that open it.
    if (config !== undefined && !shared.places.has(config)) shared.places.set(config, flag);
    command.addOption(new Option(flag.syntax, helpOf(flag)));
  }
  const lines = spec.examples.map((example) => `  ${example.replaceAll("\n", "\n    ")}`);
  const title = lines.length === 1 ? "Example" : "Examples";
  const notes = spec.notes === undefined ? "" : `\n\n${spec.notes}`;
  return command.addHelpText("after", `\n${title}:\n${lines.join("\n")}${notes}`);
}

function helpOf({ about, options, kind }: Flag<unknown>): string {
  const ways = [
    ...(!options.default || kind === "switch" ? [] : [`default: ${options.default}`]),
    ...(options.env === undefined ? [] : [`env: ${options.env}`]),
  ];
  return ways.length === 0 ? about : `${about} (${ways.join(", ")})`;
}

function hasKeys(flags: Flags): boolean {
  return Object.values(flags).some(({ kind }) => kind === "key" || kind === "keys");
}

function interruptible(io: CliIo): { signal: AbortSignal; unlisten: () => void } {
  const controller = new AbortController();
  const { signalled, unlisten } = io.listen();
  void signalled.then((name) => {
    const remedy = "Run the same command again: it goes on where it stopped.";
    controller.abort(new BlockcloudError("INTERRUPTED", `Stopped by ${name}.`, { remedy }));
  });
  return { signal: controller.signal, unlisten };
}
