import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, statSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../../node/packageRoot.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** Output of the page's build. */
const folderOf = (root: string) => path.join(root, "dist/console");

/**
 * The folder of the page's build. An installed package has it; a checkout builds it when its sources are newer.
 *
 * @param say Told when the page is built, which takes some seconds.
 * @throws BlockcloudError `CONSOLE_BUILD_FAILED`.
 */
export async function pageFolder(say: (message: string) => void): Promise<string> {
  const root = packageRoot();
  const folder = folderOf(root);
  const isCheckout = existsSync(path.join(root, "console/vite.config.ts"));
  if (isCheckout && !isCurrent(root, path.join(folder, "index.html"))) await buildPage(say);
  return folder;
}

/**
 * Builds the page of a checkout.
 *
 * @param folder Output; default: where an installed package has it.
 * @throws BlockcloudError `CONSOLE_BUILD_FAILED`.
 */
export async function buildPage(
  say: (message: string) => void,
  folder = folderOf(packageRoot()),
): Promise<void> {
  say("building the console's page");
  const root = packageRoot();
  const vite = path.join(root, "node_modules/vite/bin/vite.js");
  const args = [vite, "build", "--config", "console/vite.config.ts"];
  args.push("--logLevel", "warn", "--outDir", folder, "--emptyOutDir");
  // Another value would make a build of React's for developers, which is larger and slower.
  const env = { ...process.env, NODE_ENV: "production" };
  // Standard output is the command's own.
  const build = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", 2, 2] });
  const [code] = (await once(build, "exit")) as [number | null];
  if (code === 0) return;
  throw new BlockcloudError("CONSOLE_BUILD_FAILED", "The console's page cannot be built.", {
    remedy: "Its errors are above. npm ci installs what the build needs.",
  });
}

/** Whether no source is newer than the build. */
function isCurrent(root: string, built: string): boolean {
  if (!existsSync(built)) return false;
  const { mtimeMs } = statSync(built);
  const sources = globSync(["console/**/*", "src/protocol/**/*.ts"], {
    cwd: root,
    exclude: (name) => name.includes("node_modules"),
  });
  return sources.every((file) => statSync(path.join(root, file)).mtimeMs <= mtimeMs);
}
