import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const root = path.join(import.meta.dirname, "../..");
const recorder = path.join(import.meta.dirname, "recordModules.ts");

/** What a process loaded. */
export interface LoadedModules {
  /** Packages by their names. */
  packages: string[];
  /** Our own modules by their places below `src/`. */
  own: string[];
  code: number | null;
  stdout: string;
}

/** Runs the command from its sources to its end, and lists the modules that it loaded. */
export function loadedBy(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<LoadedModules> {
  return record([path.join(root, "src/cli/main.ts"), ...args], options);
}

/** Imports modules of `src/` and nothing else, and lists what they load. */
export function loadedWith(...modules: readonly string[]): Promise<LoadedModules> {
  const urls = modules.map((name) => pathToFileURL(path.join(root, "src", name)).href);
  const imports = urls.map((url) => `await import(${JSON.stringify(url)});`).join("\n");
  // Some modules keep a process alive, as those of a server may.
  return record(["--input-type=module", "--eval", `${imports}\nprocess.exit();`], {});
}

async function record(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string },
): Promise<LoadedModules> {
  const folder = mkdtempSync(path.join(tmpdir(), "modules-"));
  const list = path.join(folder, "list");
  try {
    const child = spawn(process.execPath, ["--import", recorder, ...args], {
      env: { ...options.env, MODULES_LIST: list },
      cwd: options.cwd ?? folder,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    await once(child, "close");
    const urls = readFileSync(list, "utf8").split("\n");
    const named = (pattern: RegExp) =>
      [...new Set(urls.flatMap((url) => pattern.exec(url)?.slice(1, 2) ?? []))].sort();
    return {
      packages: named(/^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//),
      own: named(new RegExp(`^${pathToFileURL(root).href}/src/(.+)$`)),
      code: child.exitCode,
      stdout,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
