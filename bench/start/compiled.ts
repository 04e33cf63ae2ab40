import { cp, mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { bundleCommand } from "../../scripts/bundle.ts";

const root = path.join(import.meta.dirname, "../..");

/**
 * Creates a folder with the command as the package installs it: compiled, without sources, beside its unbundled
 * packages.
 *
 * @returns The file that starts the command.
 */
export async function compiledCommand(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await bundleCommand(path.join(folder, "dist/bin"));
  for (const part of ["bin", "deployments", "package.json"]) {
    await cp(path.join(root, part), path.join(folder, part), { recursive: true });
  }
  await symlink(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  return path.join(folder, "bin/blockcloud");
}
