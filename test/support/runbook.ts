import { expect } from "chai";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");

/** The commands of a section of docs/operations.md, block by block. */
export function commands(heading: string): string[] {
  const page = readFileSync(path.join(root, "docs/operations.md"), "utf8");
  const [, after = ""] = page.split(`\n${heading}\n`);
  const [section = ""] = after.split(/^#{2,3} /m);
  const blocks = [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
  expect(blocks, heading).not.to.have.length(0);
  return blocks;
}

/** What a newcomer has after cloning and installing: the files, packages, compiled contracts. */
export function clone(folder: string): void {
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of files.split("\0").filter((name) => name !== "" && !name.startsWith("test/"))) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    cpSync(path.join(root, file), path.join(folder, file));
  }
  for (const built of ["artifacts", "cache"]) {
    cpSync(path.join(root, built), path.join(folder, built), { recursive: true });
  }
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  // Hardhat's cache names files by their whole path: with the clone's, nothing is compiled again.
  const cache = path.join(folder, "cache/compile-cache.json");
  writeFileSync(cache, readFileSync(cache, "utf8").replaceAll(`${root}/`, `${folder}/`));
}

/** One shell for all commands, as a person has it: what it exports and starts stays. */
export class Shell {
  readonly #bash: ChildProcess;
  #said = "";
  #block = 0;
  #look: () => void = () => undefined;

  constructor(folder: string, env: Record<string, string>) {
    this.#bash = spawn("bash", ["-s"], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, ...env },
      stdio: ["pipe", "pipe", "pipe"],
      // A process group of its own: what runs in the background ends with it.
      detached: true,
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
    const before = this.#look;
    await new Promise<void>((resolve) => {
      this.#look = () => {
        before();
        if (what.test(this.#said)) resolve();
      };
      this.#look();
    });
  }

  /** What the running block has printed. */
  get said(): string {
    return this.#said;
  }

  stop(): void {
    try {
      process.kill(-(this.#bash.pid ?? 0), "SIGKILL");
    } catch (error) {
      // A failed block has ended the shell and what it started.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
