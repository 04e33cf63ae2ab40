import type { CommandDefinition } from "./command.ts";
import type { Places } from "./resolve.ts";

/** A command in a program's table. */
export interface CommandEntry {
  /** One sentence for the list of commands. */
  readonly about: string;
  /** Loads the command's module. */
  load(): Promise<CommandDefinition>;
}

/** A group of commands. */
export interface GroupEntry {
  readonly about: string;
  readonly commands: Readonly<Record<string, CommandEntry>>;
  /** The command that runs if none is named. */
  readonly otherwise?: string;
}

/** A group of commands, or a single command. */
export type Entry = CommandEntry | GroupEntry;

/** A program's name, and its commands in the order of the help. */
export interface ProgramSpec {
  readonly name: string;
  readonly about: string;
  readonly entries: Readonly<Record<string, Entry>>;
  /** The version that `--version` prints; undefined if the program has no such flag. */
  readonly version?: () => string;
  /** Loads the places of the configuration file. */
  places(): Promise<Places>;
}
