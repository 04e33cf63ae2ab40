import type { Readable, Writable } from "node:stream";
import { listenForSignals } from "../../node/lifecycle.ts";
import { systemTimers, type Timers } from "../../node/timers.ts";

/** Environment variables as a command sees them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command has of its surroundings: injected, so that tests can be the terminal. */
export interface CliIo {
  readonly stdin: Readable;
  /** Results, and nothing else. */
  readonly stdout: Writable;
  /** Progress, previews, prompts and errors. */
  readonly stderr: Writable;
  /** Whether a person is there to answer: standard input and standard error are terminals. */
  readonly interactive: boolean;
  readonly env: Environment;
  /** Folder that relative paths of flags and of the environment start from. */
  readonly cwd: string;
  readonly timers: Timers;
  /** The host's clock, Unix milliseconds. */
  now(): number;
  /** Listens for Ctrl-C and SIGTERM. */
  listen(): { signalled: Promise<NodeJS.Signals>; unlisten: () => void };
}

/** The process's own. A stream is opened when it is first asked for: each costs some milliseconds. */
export function processIo(): CliIo {
  return {
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      return process.stderr;
    },
    get interactive() {
      return process.stdin.isTTY && process.stderr.isTTY;
    },
    env: process.env,
    cwd: process.cwd(),
    timers: systemTimers,
    now: () => Date.now(),
    listen: listenForSignals,
  };
}
