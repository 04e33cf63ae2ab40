import type { Readable, Writable } from "node:stream";
import { listenForSignals } from "../../node/lifecycle.ts";
import { systemTimers, type Timers } from "../../node/timers.ts";

/** The environment variables of a command. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The command's input, output and environment, injected so that tests can act as the terminal. */
export interface CliIo {
  readonly stdin: Readable;
  /** Results only. */
  readonly stdout: Writable;
  /** Progress, previews, prompts and errors. */
  readonly stderr: Writable;
  /** Whether a user can answer: standard input and standard error are terminals. */
  readonly interactive: boolean;
  readonly env: Environment;
  /** The folder to which relative paths of flags and environment variables refer. */
  readonly cwd: string;
  readonly timers: Timers;
  /** The host's clock, Unix milliseconds. */
  now(): number;
  /** Listens for Ctrl-C and SIGTERM. */
  listen(): { signalled: Promise<NodeJS.Signals>; unlisten: () => void };
}

/** The IO of this process. A stream is opened at its first use, because each takes some milliseconds. */
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
