import { existsSync } from "node:fs";
import path from "node:path";

/** Folder of this package; sources, compiled files and bundles of them lie at different depths in it. */
export const packageRoot: string = folderWithPackage(import.meta.dirname);

function folderWithPackage(folder: string): string {
  if (existsSync(path.join(folder, "package.json"))) return folder;
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error("There is no package.json above this module.");
  return folderWithPackage(parent);
}
