/**
 * How to add a command
 *
 * 1. Write one file: `src/cli/<group>/<name>.ts`. It exports the result of `localCommand`, `chainCommand` or
 *    `transactCommand`; a worker uses `chainCommand` and `runWorker`.
 * 2. Take flags from `commonFlags.ts`, or declare them beside the command with `text`, `list`, `toggle`,
 *    `file` or `key`. `options.env` and `options.config` name the environment variable and the place in the
 *    configuration file.
 * 3. `run` gets checked values. It prints once, with `output.print(json, text)`, reports long steps with
 *    `progress`, stops when `signal` aborts, and throws `BlockcloudError`; `exitCodes.ts` maps error codes to
 *    exit codes.
 * 4. Give at least one example, without `--deployment` and `--rpc`: a test runs each of them.
 * 5. Add a line to `commands.ts`, with name and description, and one to docs/cli.md; a test compares. Then
 *    `node scripts/completion.ts` writes its flags for the shells.
 * 6. A flag with a place in the configuration file is declared in `commonFlags.ts`, `coralFlags.ts` or the
 *    group's `flags.ts`, and listed in `configuration.ts`.
 */
import { Argument, Option, type Command } from "commander";
import { afterHelp } from "./afterHelp.ts";
import { exitCodes } from "./exitCodes.ts";
import { everyFlags, keyFlags } from "./commonFlags.ts";
import type { Flag, Flags, Values } from "./flag.ts";
import type { CliIo } from "./io.ts";
import { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { confirm } from "./prompt.ts";
import { openKeys, readSources, resolveFlags, type Places, type Resolved } from "./resolve.ts";
import { nameOf, Problems, type Sources } from "./settings.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** The declaration of a command; its name and description are in the program's table. */
export interface CommandSpec<F extends Flags, A extends Flags> {
  readonly flags: F;
  /** Positional arguments, in their order; the syntax is `<file>`. */
  readonly args?: A;
  /** Complete command lines, except for an RPC endpoint and a deployment. */
  readonly examples: readonly string[];
  /** Notes for the user, after the examples. */
  readonly notes?: string;
}

/** The context of every command. */
export interface LocalContext<F extends Flags, A extends Flags> {
  readonly flags: Values<F>;
  readonly args: Values<A>;
  readonly io: CliIo;
  readonly output: Output;
  readonly progress: Progress;
  /** Aborted by Ctrl-C and SIGTERM, with an error whose remedy says how to continue. */
  readonly signal: AbortSignal;
  /** Stops listening for signals, for a worker that listens itself; `signal` is not aborted any more. */
  handOver(): void;
  /** @throws BlockcloudError `REFUSED`. */
  confirm(question: string): Promise<void>;
}

/** The parts that the commands of a program share. */
export interface Shared {
  readonly io: CliIo;
  /** Loads the places of the configuration file, of all commands. */
  places(): Promise<Places>;
  /** Exit code of the command. */
  exitCode: number;
}

/** The export of a command's file. */
export interface CommandDefinition {
  /** All its flags, including those of every command. */
  readonly flags: Flags;
  /** Adds flags, arguments and action to a command that has its name and description. */
  define(command: Command, shared: Shared): void;
}

/** A further check of the settings, before `run`. */
export type Check = (resolved: Resolved, sources: Sources, problems: Problems) => void;

/** A command that needs no chain. `run` may return an exit code other than 0. */
export function localCommand<F extends Flags, A extends Flags = Flags>(
  spec: CommandSpec<F, A> & { run(context: LocalContext<F, A>): Promise<number | undefined> },
): CommandDefinition {
  return defineCommand(spec, () => {}, spec.run);
}

/** The common base of all commands: reads and checks settings, opens keys, runs. */
export function defineCommand<F extends Flags, A extends Flags>(
  spec: CommandSpec<F, A>,
  check: Check,
  run: (context: LocalContext<F, A>) => Promise<number | undefined>,
): CommandDefinition {
  const flags: Flags = { ...spec.flags, ...everyFlags, ...(hasKeys(spec.flags) ? keyFlags : {}) };
  const args: Flags = spec.args ?? {};
  const define = (command: Command, shared: Shared) => {
    describe(command, spec, flags, args);
    const times = countFlags(command, flags);
    command.action(async () => {
      const { io } = shared;
      const problems = new Problems();
      for (const [flag, count] of times) {
        if (count > 1) problems.add(`${nameOf(flag)}: given ${count} times. Give it once.`);
      }
      const given = command.opts<Record<string, unknown>>();
      const givenFor = (flag: Flag<unknown>) => given[new Option(flag.syntax).attributeName()];
      const config = givenFor(everyFlags.config);
      const sources = await readSources(io, config, () => shared.places(), problems);
      const resolved = resolveFlags(flags, givenFor, sources, problems);
      const positions = Object.values(args);
      const argument = (flag: Flag<unknown>) => {
        const place = positions.indexOf(flag);
        return flag.kind === "list" ? command.args.slice(place) : command.args[place];
      };
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
          handOver: unlisten,
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
  return { flags, define };
}

function describe(
  command: Command,
  spec: CommandSpec<Flags, Flags>,
  flags: Flags,
  args: Flags,
): void {
  for (const flag of Object.values(args))
    command.addArgument(new Argument(flag.syntax, flag.about));
  for (const flag of Object.values(flags)) command.addOption(new Option(flag.syntax, helpOf(flag)));
  command.addHelpText("after", afterHelp(spec.examples, spec.notes));
}

/** How often each flag of one value is given: commander would take the last value without a word. */
function countFlags(command: Command, flags: Flags): Map<Flag<unknown>, number> {
  const times = new Map<Flag<unknown>, number>();
  for (const flag of Object.values(flags)) {
    if (flag.kind === "list" || flag.kind === "keys" || flag.kind === "switch") continue;
    command.on(`option:${new Option(flag.syntax).name()}`, () => {
      times.set(flag, (times.get(flag) ?? 0) + 1);
    });
  }
  return times;
}

function helpOf({ about, options, kind }: Flag<unknown>): string {
  const ways = [
    ...(options.required === true ? ["required"] : []),
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
    const remedy = "Run the same command again: it continues where it stopped.";
    controller.abort(new BlockcloudError("INTERRUPTED", `Stopped by ${name}.`, { remedy }));
  });
  return { signal: controller.signal, unlisten };
}
