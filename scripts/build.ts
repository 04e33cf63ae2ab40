/**
 * `npm run build`: compiles `src/` to `dist/`, JavaScript and types, as the package is published: its modules
 * one by one, and the command as a bundle in `dist/bin/`. A checkout runs the sources as they are and needs no
 * build; Node strips no types under `node_modules`.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { bundleCommand } from "./bundle.ts";

const root = path.dirname(import.meta.dirname);

// What a deleted source left behind would be published too.
rmSync(path.join(root, "dist"), { recursive: true, force: true });
const tsc = path.join(root, "node_modules/typescript/bin/tsc");
const { status, error } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
  cwd: root,
  // npm pack prints its result on standard output: nothing else may stand there.
  stdio: ["ignore", 2, 2],
});
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
if (status === 0) await bundleCommand(path.join(root, "dist/bin"));
