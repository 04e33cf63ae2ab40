import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const NAME = "blockcloud";

/** Folder of this package; its sources, compiled files and bundles of them lie at different depths in it. */
export const packageRoot: string = folderAbove(import.meta.dirname);

function folderAbove(folder: string): string {
  const file = path.join(folder, "package.json");
  if (existsSync(file)) {
    const { name } = JSON.parse(readFileSync(file, "utf8")) as { name?: string };
    if (name === NAME) return folder;
  }
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error(`There is no package.json of ${NAME} above this module.`);
  return folderAbove(parent);
}
