import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { Imports } from "./imports.ts";
import { root, type Program } from "./process.ts";
import {
  eslint,
  format,
  hardhat,
  imports as importRules,
  mocha,
  solhint,
  steps,
  types,
  type Step,
} from "./steps.ts";

/**
 * What the files that differ from a base have to do with: the tests and checks that import them, and the
 * format and lint of themselves.
 *
 * @param base A revision. By default the merge base with `main`; on `main` itself what is not committed,
 * or the last commit when everything is.
 */
export function nearSteps(base: string | undefined): readonly Step[] {
  const from = base ?? usualBase();
  const changed = changedSince(from);
  const plan = nearPlan(changed, new Imports(root));
  say(`${changed.length} files differ from ${git("describe", "--always", "--all", from)}`);
  if (plan.alone.length > 0) say(`no test or check imports: ${plan.alone.join(" ")}`);
  return planned(plan, changed);
}

/** Tests and checks, by the program that runs them. */
export interface NearPlan {
  mocha: string[];
  solidity: string[];
  /** Checks with their own scripts, by the names of their steps. */
  scripts: string[];
  /** Files on which no test and no check depends. */
  alone: string[];
}

/** Checks that may fail after a change of their imports. */
const scripts: Readonly<Record<string, string>> = {
  "scripts/abi.ts": "abi",
  "scripts/snapshots.ts": "snapshots",
  "scripts/vectors.ts": "vectors",
};

/** The tests and checks that depend on files. */
export function nearPlan(changed: readonly string[], imports: Imports): NearPlan {
  const test = (file: string) => /^test\/.*\.(test\.ts|t\.sol)$/.test(file) || file in scripts;
  const found = [...imports.dependents(changed)].filter(test).sort();
  return {
    mocha: found.filter((file) => file.endsWith(".test.ts")),
    solidity: found.filter((file) => file.endsWith(".t.sol")),
    scripts: found.flatMap((file) => scripts[file] ?? []),
    alone: changed.filter((file) => ![...imports.dependents([file])].some(test)),
  };
}

function planned(plan: NearPlan, changed: readonly string[]): Step[] {
  const files = changed.filter((file) => existsSync(path.join(root, file)));
  const scripted = files.filter((file) => /\.tsx?$/.test(file));
  const contracts = files.filter((file) => /^contracts\/.*\.sol$/.test(file));
  const solidity: Program[] = [{ args: [hardhat, "test", "solidity", ...plan.solidity] }];
  const near: (Step | false)[] = [
    files.length > 0 && format(files),
    scripted.length > 0 && eslint(scripted),
    changed.some((file) => file.endsWith(".ts")) && importRules(),
    // Also for a deleted file, and for other files on which types depend.
    changed.some((file) => /\.(tsx?|json)$/.test(file)) && types(),
    contracts.length > 0 && solhint(contracts),
    plan.solidity.length > 0 && {
      ...{ name: "solidity", lane: "compute", programs: solidity, counted: true },
    },
    plan.mocha.length > 0 && mocha(plan.mocha),
  ];
  return [
    ...steps.filter(({ name }) => plan.scripts.includes(name)),
    ...near.filter((step) => step !== false),
  ];
}

function usualBase(): string {
  const main = ["main", "origin/main"].find((name) => tried("rev-parse", "--verify", name) !== "");
  if (main === undefined) return "HEAD";
  const base = git("merge-base", "HEAD", main);
  if (base !== git("rev-parse", "HEAD")) return base;
  return git("status", "--porcelain") === "" && tried("rev-parse", "HEAD~1") !== ""
    ? "HEAD~1"
    : "HEAD";
}

/** Files that were changed, added or removed since a revision, committed or not. */
function changedSince(base: string): string[] {
  const tracked = git("diff", "--name-only", "--no-renames", "-z", base, "--");
  const untracked = git("ls-files", "--others", "--exclude-standard", "-z");
  return [...new Set(`${tracked}${untracked}`.split("\0"))].filter((file) => file !== "").sort();
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
}

/** Like `git`, but undefined if it fails. */
function tried(...args: string[]): string {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "";
  }
}

function say(message: string): void {
  process.stdout.write(`${message}\n`);
}
