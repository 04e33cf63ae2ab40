import { build } from "esbuild";
import path from "node:path";

const root = path.dirname(import.meta.dirname);

/**
 * Compiles the command with its imports, including packages, into one module, and each part that only some commands
 * load into another. Unused code of packages is left out, so a worker starts faster and with less memory than from its
 * sources or from a thousand modules (docs/decisions/0023-start-and-memory.md).
 *
 * @param folder Output folder for `blockcloud.js` and the parts.
 */
export async function bundleCommand(folder: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: { blockcloud: "src/cli/main.ts" },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    chunkNames: "parts/[name]-[hash]",
    // CommonJS packages call `require` for Node's modules, but an ES module has no `require`.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
    logLevel: "warning",
  });
}
