import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { BlockcloudError } from "../src/protocol/errors.ts";

const bin = fileURLToPath(new URL("../bin/blockcloud", import.meta.url));
/** Time limit for a worker's log message, milliseconds; far above the time on a busy machine. */
const SAY_MS = 240_000;
/** Time limit for its stop, milliseconds. */
const STOP_MS = 15_000;

/** A line of a worker's structured log. */
export type LogLine = Record<string, unknown> & { msg: string };

/** A worker in its own process, with its log in a file. */
export class WorkerProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #listeners = new Set<(line: LogLine) => void>();
  readonly #said = new Map<string, LogLine>();
  #lastError = "";

  /**
   * Starts `bin/blockcloud`, or another `command`, with arguments. Keys go through the environment, which
   * other users of the machine cannot see, unlike arguments.
   */
  constructor(input: {
    name: string;
    args: readonly string[];
    env: Record<string, string>;
    logFile: string;
    command?: string;
    /** File descriptors that it inherits, from 3 on, as systemd passes sockets. */
    passed?: readonly number[];
  }) {
    this.name = input.name;
    this.#child = spawn(process.execPath, [input.command ?? bin, ...input.args, "--with-parent"], {
      env: input.env,
      // The pipe to its standard input closes when this process ends, for any reason.
      stdio: ["pipe", "pipe", "pipe", ...(input.passed ?? [])],
      // Ctrl-C in a terminal reaches a whole process group; here workers must be stopped in order.
      detached: true,
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", () => {
        resolve();
      });
      this.#child.once("error", (error) => {
        this.#lastError = error.message;
        resolve();
      });
    });
    const file = createWriteStream(input.logFile, { flags: "a" });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        file.write(`${line}\n`);
        this.#take(line);
      });
    }
    void this.#exited.then(() => file.end());
  }

  /** Calls back for each line of the log. */
  onLine(listener: (line: LogLine) => void): void {
    this.#listeners.add(listener);
  }

  /** Waits for one of some log messages, unless it was logged already; fails if the process ends first. */
  async logged(message: string | readonly string[], milliseconds = SAY_MS): Promise<LogLine> {
    const messages = [message].flat();
    const said = messages.map((each) => this.#said.get(each)).find((line) => line !== undefined);
    if (said !== undefined) return said;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        new Promise<LogLine>((resolve) => {
          this.onLine((line) => {
            if (messages.includes(line.msg)) resolve(line);
          });
        }),
        this.#exited.then(() => this.#fail(`ended: ${this.ending}`)),
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => {
            const said = `did not say "${messages.join('" or "')}"`;
            reject(this.#error(`${said}: ${this.#lastError || "no error in its log"}`));
          }, milliseconds);
        }),
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The process ID; undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether the process still runs. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The exit code; null while the process runs, or if a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** The last error that the worker printed. */
  get lastError(): string {
    return this.#lastError;
  }

  /** How it ended, with the last error that it printed. */
  get ending(): string {
    const { exitCode, signalCode } = this.#child;
    const how = exitCode === null ? (signalCode ?? "it still runs") : `exit code ${exitCode}`;
    return this.#lastError === "" ? how : `${how}, ${this.#lastError}`;
  }

  /** Kills the process at once, like a power cut. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Lets a process go on that a signal has halted. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** Asks the process to read its settings again. */
  reload(): void {
    this.#child.kill("SIGHUP");
  }

  /** Asks the process to stop, and kills it if it does not. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #take(text: string): void {
    let line: LogLine;
    try {
      line = JSON.parse(text) as LogLine;
    } catch {
      // Not a log line, but the output of a crashing process.
      this.#lastError = text;
      return;
    }
    if (line.level === "error")
      this.#lastError = `${line.msg}: ${JSON.stringify(line.error ?? "")}`;
    this.#said.set(line.msg, line);
    for (const listener of this.#listeners) listener(line);
  }

  #fail(what: string): never {
    throw this.#error(what);
  }

  #error(what: string): BlockcloudError {
    return new BlockcloudError("WORKER_FAILED", `${this.name} ${what}.`, {
      remedy: "Its log is in the run's folder.",
    });
  }
}
