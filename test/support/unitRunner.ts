import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { parseUnit } from "./units.ts";

/** A line of a worker's log. */
export type LogLine = Record<string, unknown> & { msg: string };

/** What of systemd a unit's command depends on, under a folder instead of the root. */
export class UnitRunner {
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  readonly #closed: Promise<unknown>;
  #wake = Promise.withResolvers<undefined>();
  /** What it printed on standard error. */
  stderr = "";

  /**
   * Starts a unit's command: with its environment file, its credentials, its working folder and its state
   * folder. Neither its user nor what it is forbidden: that takes systemd.
   *
   * @param unit The unit's file.
   * @param mapped Gives a path or an address of the machine its place in this test.
   */
  constructor(unit: string, mapped: (text: string) => string, env: NodeJS.ProcessEnv) {
    const settings = parseUnit(readFileSync(unit, "utf8"));
    const values = (key: string) =>
      settings.filter((each) => each.key === key).map(({ value }) => mapped(value));
    const state = mapped("/var/lib");
    const credentials = mapped("/run/credentials");
    mkdirSync(path.join(state, values("StateDirectory")[0] ?? ""), {
      recursive: true,
      mode: 0o700,
    });
    mkdirSync(credentials, { recursive: true });
    for (const credential of values("LoadCredential")) {
      const [name = "", source = ""] = credential.split(":");
      copyFileSync(source, path.join(credentials, name));
      chmodSync(path.join(credentials, name), 0o600);
    }
    const [command = "", ...args] = (values("ExecStart")[0] ?? "")
      .replaceAll("%S", state)
      .replaceAll("%d", credentials)
      .split(" ");
    const variables = values("EnvironmentFile")
      .flatMap((file) => readFileSync(file, "utf8").split("\n"))
      .filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
    this.#child = spawn(command, args, {
      cwd: values("WorkingDirectory")[0],
      env: { PATH: env.PATH, ...(Object.fromEntries(variables) as Record<string, string>) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#closed = once(this.#child, "close").finally(() => {
      this.#wake.resolve(undefined);
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      this.#lines.push(JSON.parse(line) as LogLine);
      this.#wake.resolve(undefined);
      this.#wake = Promise.withResolvers();
    });
  }

  get isActive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The first line of the log with this message; fails when the process ends without it. */
  async logged(message: string): Promise<LogLine> {
    for (;;) {
      const line = this.#lines.find(({ msg }) => msg === message);
      if (line !== undefined) return line;
      if (!this.isActive) throw new Error(`It ended before "${message}": ${this.stderr}`);
      await this.#wake.promise;
    }
  }

  /** Waits until the process has ended; its exit code. */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  /** Stops it as systemd does. */
  stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.ended();
  }
}
