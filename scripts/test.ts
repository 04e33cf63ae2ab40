/**
 * `npm test`: everything that has to hold, step by step, each step's output kept until it fails. Ends with
 * the line `N passed, N failed`, in which a step without tests of its own counts as one.
 *
 * `npm test -- solidity mocha` runs only the steps named; the step `deep` runs only when it is named.
 */
import { spawn } from "node:child_process";
import path from "node:path";

const root = path.dirname(import.meta.dirname);
const hardhat = "node_modules/hardhat/dist/src/cli.js";
const bin = (name: string) => `node_modules/.bin/${name}`;

interface Step {
  name: string;
  args: readonly string[];
  env?: Record<string, string>;
  /** Not part of a run without names. */
  onDemand?: boolean;
  /** Reads how many tests passed and failed from the output. */
  count?: (output: string) => { passed: number; failed: number };
}

const steps: readonly Step[] = [
  { name: "compile", args: [hardhat, "compile", "--no-tests"] },
  { name: "abi", args: ["scripts/abi.ts", "--check"] },
  { name: "vectors", args: ["scripts/vectors.ts", "--check"] },
  { name: "snapshots", args: ["scripts/snapshots.ts", "--check"] },
  { name: "types", args: [bin("tsc")] },
  { name: "format", args: [bin("prettier"), "--check", "."] },
  { name: "eslint", args: [bin("eslint"), "."] },
  {
    name: "solhint",
    args: [bin("solhint"), "--noPoster", "--max-warnings", "0", "contracts/**/*.sol"],
  },
  { name: "solidity", args: ["scripts/solidity.ts"], count: countMocha },
  { name: "mocha", args: [hardhat, "test", "mocha", "--no-compile"], count: countMocha },
  {
    name: "deep",
    args: [hardhat, "test", "solidity", "test/invariant/ProofOfService.t.sol"],
    env: { BLOCKCLOUD_DEEP: "1" },
    onDemand: true,
    count: countMocha,
  },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  const names = steps.map((step) => step.name).join(" ");
  process.stderr.write(`No such step: ${unknown.join(" ")}. Steps: ${names}\n`);
  process.exit(2);
}

let passed = 0;
let failed = 0;
const chosen = steps.filter(({ name, onDemand }) =>
  wanted.length === 0 ? onDemand !== true : wanted.includes(name),
);
for (const step of chosen) {
  const started = performance.now();
  const { code, output } = await run(step);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const counts = step.count?.(output) ?? { passed: code === 0 ? 1 : 0, failed: 0 };
  // A step that fails without a failed test of its own, say at start, counts as one failure.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  if (code === 0 && counts.passed === 0) {
    process.stdout.write(`${output}\n${step.name} ran no test\n`);
    counts.failed += 1;
  }
  passed += counts.passed;
  failed += counts.failed;
  const verdict = counts.failed === 0 ? "ok" : "FAILED";
  process.stdout.write(`${verdict} ${step.name} (${counts.passed} passed, ${seconds} s)\n`);
  if (counts.failed > 0) process.stdout.write(`${output}\n`);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function run(step: Step): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, step.args, {
      cwd: root,
      env: { ...process.env, FORCE_COLOR: "0", NO_COLOR: "1", ...step.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    child.on("close", (code) => {
      resolve({ code: code ?? 1, output });
    });
  });
}

/** `12 passing`, `1 failing`, as mocha and Hardhat's Solidity runner print them. */
function countMocha(output: string): { passed: number; failed: number } {
  const find = (word: string) =>
    [...output.matchAll(new RegExp(`^\\s*(\\d+) ${word}\\b`, "gm"))].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  return { passed: find("passing"), failed: find("failing") };
}
