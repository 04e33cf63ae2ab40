import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

const root = path.join(import.meta.dirname, "../..");
/** What the tarball depends on. */
const SOURCES = [
  ...[
    "{bin,deployments,docs,indexer,ops,scripts,src}/**/*",
    "console/{public,src}/**/*",
    "console/*",
  ],
  ...["package.json", "package-lock.json"],
  ...["tsconfig*.json", "README.md", "CHANGELOG.md", "LICENSE"],
];
/** Far above what a build takes on a busy machine, milliseconds. */
const BUILD_MS = 900_000;

/**
 * The tarball that `npm pack` makes of this checkout. Building takes a while: one process of a test run does
 * it, and the others wait and take the same file, as long as nothing in it has changed.
 */
export function packedTarball(): string {
  const folder = path.join(root, "cache/package");
  mkdirSync(folder, { recursive: true });
  // The kernel frees SQLite's lock with the process, however that ends.
  const lock = new DatabaseSync(path.join(folder, "lock.sqlite"));
  try {
    lock.exec(`PRAGMA busy_timeout=${BUILD_MS}; BEGIN EXCLUSIVE`);
    const tarball = path.join(folder, `${hash()}.tgz`);
    const [known] = globSync("*.tgz", { cwd: folder });
    if (known !== path.basename(tarball)) pack(folder, tarball);
    return tarball;
  } finally {
    lock.close();
  }
}

/** An environment with this Node first in its path, and nothing that `npm test` adds for what it starts. */
export function withoutNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(
    ([name]) => !/^npm_/i.test(name) && name !== "NODE_OPTIONS" && name !== "INIT_CWD",
  );
  const bin = path.dirname(process.execPath);
  return { ...Object.fromEntries(own), PATH: `${bin}${path.delimiter}${env.PATH ?? ""}` };
}

function pack(folder: string, tarball: string): void {
  for (const old of globSync("*.tgz", { cwd: folder })) rmSync(path.join(folder, old));
  const work = mkdtempSync(path.join(folder, "work-"));
  try {
    // As prepack does it, except that a test installs nothing in this folder.
    run(process.execPath, "scripts/build.ts");
    run("npm", "pack", "--ignore-scripts", "--pack-destination", work);
    const [made = ""] = globSync("*.tgz", { cwd: work });
    renameSync(path.join(work, made), tarball);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function run(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, {
    cwd: root,
    env: withoutNpm(process.env),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}:\n${stderr}`);
}

function hash(): string {
  const sum = createHash("sha256");
  const entries = globSync(SOURCES, { cwd: root, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) sum.update(`${file}\n`).update(readFileSync(file));
  return sum.digest("hex").slice(0, 16);
}
