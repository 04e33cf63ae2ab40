import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");
const recorder = path.join(import.meta.dirname, "recordModules.ts");

/** What a process loaded: packages by name, our own modules by their place below `src/`. */
export interface LoadedModules {
  packages: ReadonlySet<string>;
  own: ReadonlySet<string>;
  code: number | null;
  stdout: string;
}

/** Runs the command from its sources to its end, and lists the modules that it loaded. */
export async function loadedBy(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<LoadedModules> {
  const folder = mkdtempSync(path.join(tmpdir(), "modules-"));
  const list = path.join(folder, "list");
  try {
    const child = spawn(
      process.execPath,
      ["--import", recorder, path.join(root, "src/cli/main.ts"), ...args],
      {
        env: { ...options.env, MODULES_LIST: list },
        cwd: options.cwd ?? folder,
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    await once(child, "close");
    const urls = readFileSync(list, "utf8").split("\n");
    const firsts = (pattern: RegExp) =>
      new Set(urls.flatMap((url) => pattern.exec(url)?.slice(1, 2) ?? []));
    return {
      packages: firsts(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/),
      own: firsts(new RegExp(`^file://${root}/src/(.+)$`)),
      code: child.exitCode,
      stdout,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
