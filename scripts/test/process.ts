import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../..");

/** A Node program of the suite. */
export interface Program {
  args: readonly string[];
  env?: Record<string, string>;
}

/** The result of a program, and its output. */
export interface Ending {
  code: number;
  output: string;
}

/** Time limit of a program, milliseconds; the longest one takes some minutes. */
const LIMIT_MS = 45 * 60_000;

const running = new Set<ChildProcess>();

/** Runs a program to its end. */
export function run({ args, env }: Program): Promise<Ending> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, FORCE_COLOR: "0", NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: LIMIT_MS,
    });
    running.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    child.once("error", (error) => {
      output += `${error.message}\n`;
    });
    child.once("close", (code, signal) => {
      running.delete(child);
      if (signal !== null) output += `\nended by ${signal}\n`;
      resolve({ code: code ?? 1, output });
    });
  });
}

/** Forwards the signals that end this process to the running programs. */
export function forwardSignals(): void {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(signal, () => {
      for (const child of running) child.kill(signal);
      process.exit(code);
    });
  }
}
