import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const NAME = "blockcloud";

/** The folder of this package, found from sources, compiled files and bundles, which have different depths. */
export function packageRoot(): string {
  return folderFrom(import.meta.dirname);
}

function folderFrom(folder: string): string {
  const file = path.join(folder, "package.json");
  if (existsSync(file)) {
    const { name } = JSON.parse(readFileSync(file, "utf8")) as { name?: string };
    if (name === NAME) return folder;
  }
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error(`There is no package.json of ${NAME} above this module.`);
  return folderFrom(parent);
}
