import { build } from "esbuild";
import path from "node:path";

const root = path.dirname(import.meta.dirname);

/**
 * Compiles the command into one module with what it imports, packages too, and a module for each part that
 * only some commands load. Unused code of packages is left out, so that a worker starts sooner and in less
 * memory than from its sources or from a thousand modules (docs/decisions/0023-start-and-memory.md).
 *
 * @param folder Takes `blockcloud.js` and the parts.
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
    // Packages in CommonJS call `require` for what Node has; an ES module has none.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
    logLevel: "warning",
  });
}
