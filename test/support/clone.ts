import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");

/** What a newcomer has after cloning and installing: the files and the packages. Nothing is compiled. */
export function clone(folder: string): void {
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of files.split("\0").filter((name) => name !== "")) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    cpSync(path.join(root, file), path.join(folder, file));
  }
  // Package by package: an installation in the clone could otherwise empty the folder of this one.
  const packages = path.join(folder, "node_modules");
  mkdirSync(packages);
  for (const name of readdirSync(path.join(root, "node_modules"))) {
    symlinkSync(path.join(root, "node_modules", name), path.join(packages, name));
  }
  const lock = readFileSync(path.join(root, "package-lock.json"));
  const stamp = path.join(packages, ".blockcloud-lock");
  writeFileSync(stamp, createHash("sha256").update(lock).digest("hex"));
}

/** The same, with the compiled contracts: half a minute less. */
export function cloneBuilt(folder: string): void {
  clone(folder);
  for (const built of ["artifacts", "cache"]) {
    cpSync(path.join(root, built), path.join(folder, built), { recursive: true });
  }
  // Hardhat's cache names files by their whole path: with the clone's, nothing is compiled again.
  const cache = path.join(folder, "cache/compile-cache.json");
  writeFileSync(cache, readFileSync(cache, "utf8").replaceAll(`${root}/`, `${folder}/`));
}
