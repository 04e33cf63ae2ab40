/**
 * `npm run build`: compiles `src/` to `dist/`, the published JavaScript and types: each module, the command as a
 * bundle in `dist/bin/`, and the console's page in `dist/console/`. A checkout runs the sources directly and needs no build. The package needs one, because Node
 * does not strip types under `node_modules`.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { buildPage } from "../src/cli/console/build.ts";
import { bundleCommand } from "./bundle.ts";

const root = path.dirname(import.meta.dirname);

// Otherwise old output of deleted sources would be published, too.
rmSync(path.join(root, "dist"), { recursive: true, force: true });
const tsc = path.join(root, "node_modules/typescript/bin/tsc");
const { status, error } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
  cwd: root,
  // npm pack prints its result on standard output, so no other output may be there.
  stdio: ["ignore", 2, 2],
});
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
if (status === 0) {
  await bundleCommand(path.join(root, "dist/bin"));
  await buildPage(() => undefined);
}
