/**
 * Runs the Solidity tests in groups, two at a time, each built in a folder of its own: all of them in one
 * build take the compiler, which is WebAssembly, to the end of its memory ("Error writing output JSON").
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, globSync } from "node:fs";
import path from "node:path";

const root = path.dirname(import.meta.dirname);
const AT_ONCE = 2;

/** Tests by what they need compiled; the longest first, so that none of them is left over at the end. */
const groups: Readonly<Record<string, readonly string[]>> = {
  rounds: ["test/proof-of-service/!(Attack*).t.sol"],
  registry: ["test/registry/*.t.sol"],
  attacks: ["test/proof-of-service/Attack*.t.sol"],
  invariants: ["test/invariant/*.t.sol"],
  challenges: ["test/challenges/*.t.sol", "test/verifiers/*.t.sol"],
  staking: ["test/staking/*.t.sol", "test/token/*.t.sol"],
  libraries: ["test/libraries/*.t.sol"],
};

const tests = Object.entries(groups).map(([name, patterns]) => ({
  name,
  files: globSync([...patterns], { cwd: root }),
}));
const forgotten = globSync("test/**/*.t.sol", { cwd: root }).filter(
  (file) => !tests.some(({ files }) => files.includes(file)),
);
if (forgotten.length > 0) throw new Error(`In no group: ${forgotten.join(", ")}`);

const waiting = [...tests];
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) await run(test);
  }),
);

function run({ name, files }: { name: string; files: readonly string[] }): Promise<void> {
  const build = path.join(root, "cache/solidity", name);
  if (!existsSync(build)) seed(build);
  const child = spawn(
    process.execPath,
    ["node_modules/hardhat/dist/src/cli.js", "test", "solidity", ...files],
    {
      cwd: root,
      env: { ...process.env, BLOCKCLOUD_BUILD: build },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  return new Promise((resolve) => {
    child.on("close", (code) => {
      // In one piece: two groups must not mix.
      process.stdout.write(`${name}\n${output}\n`);
      if (code !== 0) process.exitCode = 1;
      resolve();
    });
  });
}

/** Begins with the contracts as they are built already. */
function seed(build: string): void {
  for (const folder of ["artifacts", "typechain-types"]) {
    const from = path.join(root, folder);
    if (existsSync(from)) cpSync(from, path.join(build, folder), { recursive: true });
  }
  const cache = path.join(root, "cache/compile-cache.json");
  if (existsSync(cache)) cpSync(cache, path.join(build, "cache/compile-cache.json"));
}
