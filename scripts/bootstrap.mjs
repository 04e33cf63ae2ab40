/**
 * Prepares a fresh clone with any Node and npm: installs the locked packages (including Node 24), compiles the changed
 * contracts, and then runs the job on Node 24. The Solidity tests are compiled by the job that needs them.
 *
 * It is plain JavaScript for Node 18, because it runs before the installation.
 *
 * Usage: node scripts/bootstrap.mjs start|test|bench|run [arguments]
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [job = "", ...args] = process.argv.slice(2);
const node = path.join(root, "node_modules/node/bin/node");
/** The lock file of the installed packages. */
const stamp = path.join(root, "node_modules/.blockcloud-lock");

const jobs = {
  start: ["devnet/main.ts", ...args],
  test: ["scripts/test.ts", ...args],
  bench: ["bench/main.ts", ...args],
  run: args,
};

if (!(job in jobs)) {
  process.stderr.write("Usage: node scripts/bootstrap.mjs start|test|bench|run [arguments]\n");
  process.exit(2);
}
install();
if (job !== "run") compile();
const child = spawn(node, jobs[job], { cwd: root, env: environment(), stdio: "inherit" });
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => child.kill(name));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === "SIGINT" ? 130 : 143);
});

function install() {
  const lock = createHash("sha256")
    .update(readFileSync(path.join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("installing packages (once)");
  // npm itself must run on Node 24: on an older Node it skips Hardhat's native package.
  const npm = ["-y", "-p", "node@24", "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"];
  must(run("npx", npm, 2));
  writeFileSync(stamp, lock);
}

function compile() {
  if (existsSync(path.join(root, "artifacts/contracts")) === false)
    say("compiling contracts (once)");
  must(run(node, ["node_modules/hardhat/dist/src/cli.js", "compile", "--no-tests", "--quiet"], 2));
}

/** Runs a step; `stdout` 2 sends its output to stderr, so that stdout contains only the job's output. */
function run(command, parameters, stdout = 1) {
  const child = spawnSync(command, parameters, {
    cwd: root,
    env: environment(),
    stdio: ["inherit", stdout, 2],
  });
  if (child.error) process.stderr.write(`${command}: ${child.error.message}\n`);
  return child.status ?? 1;
}

/** The environment in which all programs of the job find Node 24 first. */
function environment() {
  const bin = path.join(root, "node_modules/.bin");
  return { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` };
}

function must(status) {
  if (status === 0) return;
  say("this step failed; see the output above");
  process.exit(status);
}

function say(message) {
  process.stderr.write(`${message}\n`);
}
