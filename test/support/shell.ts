import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import { atExit } from "./atExit.ts";

/** One shell for all commands, as a person has it: what it exports and starts stays. */
export class Shell {
  readonly #bash: ChildProcess;
  #said = "";
  #block = 0;
  #look: () => void = () => undefined;
  readonly #forget: () => void;

  constructor(folder: string, env: Record<string, string>) {
    this.#bash = spawn("bash", ["-s"], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, ...env },
      stdio: ["pipe", "pipe", "pipe"],
      // A process group of its own: what runs in the background ends with it.
      detached: true,
    });
    this.#forget = atExit(() => {
      this.stop();
    });
    for (const stream of [this.#bash.stdout, this.#bash.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
        this.#look();
      });
    }
  }

  /** Runs a block and gives what it printed; fails at the first command that does. */
  async run(block: string): Promise<string> {
    const end = `end of block ${++this.#block}`;
    this.#said = "";
    // Each block in a group with -e: a failed command ends the block, not the shell.
    this.#bash.stdin?.write(
      `set -e; trap 'echo "${end} $?"' EXIT\n${block}\ntrap - EXIT; set +e\n`,
    );
    this.#bash.stdin?.write(`echo "${end} 0"\n`);
    const pattern = new RegExp(`^${end} (\\d+)$`, "m");
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (pattern.test(this.#said)) resolve();
      };
      this.#look();
    });
    const [, status] = pattern.exec(this.#said) ?? [];
    expect(status, `${block}\n${this.#said}`).to.equal("0");
    return this.#said;
  }

  /** Waits until the running block has printed something. */
  async until(what: RegExp): Promise<void> {
    const look = this.#look;
    await new Promise<void>((resolve) => {
      this.#look = () => {
        look();
        if (what.test(this.#said)) resolve();
      };
      this.#look();
    });
  }

  stop(): void {
    this.#forget();
    try {
      process.kill(-(this.#bash.pid ?? 0), "SIGKILL");
    } catch (error) {
      // A failed block has ended the shell and what it started.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
