import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { BlockcloudError } from "../protocol/errors.ts";

/** The version that the index is written for; another one may read tables and settings in another way. */
export const PONDER_VERSION = "0.16.10";

/** Where Ponder is installed. */
export interface Installation {
  /** Its program. */
  program: string;
  /** The folder `node_modules` in which it, and what the index imports, is found. */
  modules: string;
}

/**
 * Finds Ponder, which workers do not need and the package does not install.
 *
 * @param root Folder of this package.
 * @throws BlockcloudError `INDEXER_MISSING` if it is not installed, or in another version.
 */
export async function findPonder(root: string): Promise<Installation> {
  const from = createRequire(path.join(root, "indexer", "ponder.config.ts"));
  const folders = from.resolve.paths("ponder") ?? [];
  for (const modules of folders) {
    const version = await versionOf(path.join(modules, "ponder", "package.json"));
    if (version === undefined) continue;
    if (version !== PONDER_VERSION) throw missing(`Ponder ${version} is installed.`);
    return { program: path.join(modules, "ponder", "dist", "esm", "bin", "ponder.js"), modules };
  }
  throw missing("Ponder is not installed.");
}

function missing(what: string): BlockcloudError {
  return new BlockcloudError("INDEXER_MISSING", `${what} The index needs ${PONDER_VERSION}.`, {
    remedy: `Run beside this package: npm install ponder@${PONDER_VERSION} (with --global if blockcloud is global).`,
  });
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
  { modules }: Installation,
): Promise<string> {
  const source = path.join(root, "indexer");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const part of PARTS) {
    await cp(path.join(source, part), path.join(folder, part), { recursive: true });
  }
  await symlink(modules, path.join(folder, "node_modules"), "junction");
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
