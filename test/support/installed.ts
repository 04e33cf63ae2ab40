import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { packedTarball, withoutNpm } from "./packed.ts";

/** What a command of a test printed, and how it ended. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A folder of a user's own with the packed package installed in it, as npm does it. */
export class InstalledPackage {
  readonly folder: string;
  readonly #base: string;

  /** Builds, packs and installs; npm takes from its cache what it has. */
  constructor() {
    this.#base = mkdtempSync(path.join(tmpdir(), "blockcloud-package-"));
    this.folder = path.join(this.#base, "user");
    mkdirSync(this.folder);
    this.write("package.json", JSON.stringify({ name: "user", private: true, type: "module" }));
    const install = ["install", "--prefer-offline", "--no-audit", "--no-fund"];
    must(run("npm", [...install, packedTarball()], this.folder));
  }

  /** Files of the installed package, by their paths in it. */
  files(): string[] {
    const own = path.join(this.folder, "node_modules/blockcloud");
    return readdirSync(own, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(own, path.join(entry.parentPath, entry.name)))
      .filter((file) => !file.startsWith("node_modules/"))
      .sort();
  }

  write(file: string, text: string): void {
    writeFileSync(path.join(this.folder, file), text);
  }

  run(command: string, ...args: string[]): Outcome {
    return run(command, args, this.folder);
  }

  /** Runs a script by the Node that runs this test. */
  node(...args: string[]): Outcome {
    return run(process.execPath, args, this.folder);
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}

/** Runs a command on this Node, without the settings that `npm test` gives to what it starts. */
function run(command: string, args: readonly string[], cwd: string): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: withoutNpm(process.env),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}

function must({ code, stdout, stderr }: Outcome): void {
  if (code !== 0) throw new Error(`It ended with ${code}:\n${stdout}\n${stderr}`);
}
