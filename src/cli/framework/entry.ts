import type { CommandDefinition } from "./command.ts";
import type { Places } from "./resolve.ts";

/** A command in a program's table, known by its name there. */
export interface CommandEntry {
  /** One sentence for the list of commands. */
  readonly about: string;
  /** Loads the command itself, with everything that it needs. */
  load(): Promise<CommandDefinition>;
}

/** Commands under one name. */
export interface GroupEntry {
  readonly about: string;
  readonly commands: Readonly<Record<string, CommandEntry>>;
  /** The command that runs when none of them is named. */
  readonly otherwise?: string;
}

/** A group of commands, or a command of its own. */
export type Entry = CommandEntry | GroupEntry;

/** What a program is called, and its commands in the order of the help. */
export interface ProgramSpec {
  readonly name: string;
  readonly about: string;
  readonly entries: Readonly<Record<string, Entry>>;
  /** What `--version` prints; without it there is no such flag. */
  readonly version?: () => string;
  /** Loads the places that a configuration file may have. */
  places(): Promise<Places>;
}
