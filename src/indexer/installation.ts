import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { BlockcloudError } from "../protocol/errors.ts";

/** The version that the index is written for; another one may read tables and settings in another way. */
export const PONDER_VERSION = "0.16.10";

/** Where Ponder is installed. */
export interface Installation {
  /** Its program. */
  program: string;
  /** The folders of the packages that the index imports, by their names. */
  packages: ReadonlyMap<string, string>;
}

/** What the index imports besides Ponder: packages that Ponder brings with it. */
const BESIDES = ["viem", "hono"] as const;

/**
 * Finds Ponder, which workers do not need and the package does not install.
 *
 * @param root Folder of this package.
 * @throws BlockcloudError `INDEXER_MISSING` if it is not installed, or in another version.
 */
export async function findPonder(root: string): Promise<Installation> {
  const ponder = await folderOf("ponder", path.join(root, "indexer", "ponder.config.ts"));
  if (ponder === undefined) throw missing(root, "Ponder is not installed.");
  if (ponder.version !== PONDER_VERSION) {
    throw missing(root, `Ponder ${ponder.version} is installed.`);
  }
  const packages = new Map([["ponder", ponder.folder]]);
  // A global npm puts them into Ponder's own folder, a project's npm beside it: Ponder finds them in both.
  for (const name of BESIDES) {
    const found = await folderOf(name, path.join(ponder.folder, "package.json"));
    if (found === undefined) throw missing(root, `Ponder is installed without ${name}.`);
    packages.set(name, found.folder);
  }
  return { program: path.join(ponder.folder, "dist", "esm", "bin", "ponder.js"), packages };
}

/** Where a file finds a package, as Node looks for it. */
async function folderOf(name: string, from: string) {
  for (const modules of createRequire(from).resolve.paths(name) ?? []) {
    const folder = path.join(modules, name);
    const version = await versionOf(path.join(folder, "package.json"));
    // Its real folder: a package that is linked is beside what it needs.
    if (version !== undefined) return { folder: await realpath(folder), version };
  }
  return undefined;
}

function missing(root: string, what: string): BlockcloudError {
  return new BlockcloudError("INDEXER_MISSING", `${what} The index needs ${PONDER_VERSION}.`, {
    remedy: `Run: npm install ponder@${PONDER_VERSION} ${placeOf(root)}`,
  });
}

/** The flag by which npm installs beside this package: in the project that has it, or globally. */
function placeOf(root: string): string {
  const modules = path.dirname(root);
  const project = path.basename(modules) === "node_modules" ? path.dirname(modules) : root;
  return existsSync(path.join(project, "package.json")) ? `--prefix ${project}` : "--global";
}

async function versionOf(file: string): Promise<string | undefined> {
  try {
    const { version } = JSON.parse(await readFile(file, "utf8")) as { version?: unknown };
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined; // Not in this folder: the next one is looked at.
  }
}

/** The parts of `indexer/` that Ponder reads. */
const PARTS = ["ponder.config.ts", "ponder.schema.ts", "schema", "src"] as const;

/**
 * Copies the index into a folder of its own, because Ponder writes into the folder of its sources, and the package's
 * may belong to another user.
 *
 * @returns A hash of the sources: other sources make other tables.
 */
export async function stageApp(
  folder: string,
  root: string,
  { packages }: Installation,
): Promise<string> {
  const source = path.join(root, "indexer");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const part of PARTS) {
    await cp(path.join(source, part), path.join(folder, part), { recursive: true });
  }
  await mkdir(path.join(folder, "node_modules"));
  for (const [name, target] of packages) {
    await symlink(target, path.join(folder, "node_modules", name), "junction");
  }
  await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify(await tsconfigOf(root)));
  return await hashOf(folder, PARTS);
}

/** `@protocol/*.ts` is the package's protocol code: its sources in a checkout, compiled in a package. */
async function tsconfigOf(root: string): Promise<object> {
  const sources = path.join(root, "src", "protocol");
  const hasSources = (await readdir(sources).catch(() => [])).length > 0;
  const target = hasSources ? `${sources}/*.ts` : path.join(root, "dist", "protocol", "*.js");
  return {
    compilerOptions: {
      module: "esnext",
      moduleResolution: "bundler",
      paths: { "@protocol/*.ts": [target] },
    },
  };
}

async function hashOf(folder: string, parts: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(PONDER_VERSION);
  for (const part of parts) {
    const files = part.endsWith(".ts")
      ? [part]
      : (await readdir(path.join(folder, part), { recursive: true })).map((name) =>
          path.join(part, name),
        );
    for (const file of files.filter((name) => name.endsWith(".ts")).sort()) {
      hash.update(file).update(await readFile(path.join(folder, file)));
    }
  }
  return hash.digest("hex");
}
