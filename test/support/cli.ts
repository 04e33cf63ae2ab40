import { PassThrough, Writable } from "node:stream";
import type { CliIo } from "../../src/cli/framework/io.ts";
import { runProgram } from "../../src/cli/program.ts";
import { systemTimers, type Timers } from "../../src/node/timers.ts";

/** What a command did, as its caller sees it. */
export interface CliOutcome {
  code: number;
  stdout: string;
  stderr: string;
  /** Standard output as one line of JSON. */
  json(): Record<string, unknown>;
}

/** What a command runs in; nothing of the test's own process. */
export interface CliSurroundings {
  env?: Record<string, string>;
  cwd?: string;
  /** Keys that a person types, once a question was asked; with them there is a terminal. */
  types?: string;
  /** What happens while the question waits for its answer. */
  asked?: () => Promise<unknown>;
  timers?: Timers;
  now?: () => number;
  /** Interrupts the command as Ctrl-C does. */
  interrupt?: AbortSignal;
}

/** Runs a command line to its end, in this process. */
export async function runCli(
  args: readonly string[],
  surroundings: CliSurroundings = {},
): Promise<CliOutcome> {
  const { types, interrupt } = surroundings;
  const outcome = { code: -1, stdout: "", stderr: "" };
  const stdin = new PassThrough();
  let typed = false;
  const sink = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        outcome[name] += chunk.toString("utf8");
        // A prompt hides the cursor when it is drawn, and listens from the next turn on.
        if (name === "stderr" && types !== undefined && outcome.stderr.includes("\u001b[?25l")) {
          const answer = () => setImmediate(() => stdin.write(types));
          if (!typed) void (surroundings.asked?.() ?? Promise.resolve()).finally(answer);
          typed = true;
        }
        done();
      },
    });
  const io: CliIo = {
    stdin,
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    interactive: types !== undefined,
    env: surroundings.env ?? {},
    cwd: surroundings.cwd ?? "/nonexistent",
    timers: surroundings.timers ?? systemTimers,
    now: surroundings.now ?? (() => Date.now()),
    listen: () => ({
      signalled: new Promise((resolve) => {
        interrupt?.addEventListener("abort", () => {
          resolve("SIGINT");
        });
      }),
      unlisten: () => {},
    }),
  };
  outcome.code = await runProgram(args, io);
  return { ...outcome, json: () => JSON.parse(outcome.stdout) as Record<string, unknown> };
}
