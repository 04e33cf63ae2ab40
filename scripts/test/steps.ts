import { root, type Program } from "./process.ts";
import { mochaFiles, shards } from "./shards.ts";
import seconds from "./seconds.json" with { type: "json" };

/** Part of the suite: programs that all have to end well. */
export interface Step {
  name: string;
  /** `compute` keeps a core busy, `mocha` mostly waits. */
  lane: "compute" | "mocha";
  programs: readonly Program[];
  /** Steps that end before this one begins, if they run. */
  after?: readonly string[];
  /** Whether the programs say how many tests passed and failed; else the step counts as one. */
  counted?: boolean;
  /** Not part of a run without names. */
  onDemand?: boolean;
}

export const hardhat = "node_modules/hardhat/dist/src/cli.js";
const bin = (name: string) => `node_modules/.bin/${name}`;

/** What needs artifacts, ABIs or the types that are generated with them. */
const compiled = ["compile"] as const;

/** All steps; in a lane the longest come first, after what they need. */
export const steps: readonly Step[] = [
  compute("compile", [hardhat, "compile", "--no-tests"]),
  { ...compute("solidity", [hardhat, "test", "solidity"]), after: compiled, counted: true },
  { ...eslint(["."]), after: compiled },
  { ...compute("snapshots", ["scripts/snapshots.ts", "--check"]), after: compiled },
  types(),
  imports(),
  format(["."]),
  compute("vectors", ["scripts/vectors.ts", "--check"]),
  solhint(["contracts/**/*.sol"]),
  { ...compute("abi", ["scripts/abi.ts", "--check"]), after: compiled },
  mocha(mochaFiles()),
  {
    name: "deep",
    lane: "compute",
    programs: [
      {
        args: [hardhat, "test", "solidity", "test/invariant/ProofOfService.t.sol"],
        env: { BLOCKCLOUD_DEEP: "1" },
      },
    ],
    after: compiled,
    counted: true,
    onDemand: true,
  },
];

function compute(name: string, args: readonly string[]): Step {
  return { name, lane: "compute", programs: [{ args }] };
}

/** The whole project: a change of one file's types shows in another file. What is known is kept. */
export function types(): Step {
  const kept = ["--incremental", "--tsBuildInfoFile", "cache/types.tsbuildinfo"];
  return { ...compute("types", [bin("tsc"), ...kept]), after: compiled };
}

/** Who may import whom; also all of it, for circles run through many files. */
export function imports(): Step {
  const rules = ["--config", "imports.config.js", "--output-type", "err"];
  const folders = ["src", "devnet", "bench", "scripts", "ignition", "test/support/recount"];
  return compute("imports", [bin("depcruise"), ...rules, ...folders]);
}

export function format(files: readonly string[]): Step {
  const kept = ["--cache", "--cache-location", "cache/prettier", "--cache-strategy", "content"];
  return compute("format", [bin("prettier"), "--check", "--ignore-unknown", ...kept, ...files]);
}

export function eslint(files: readonly string[]): Step {
  return compute("eslint", [bin("eslint"), ...files]);
}

export function solhint(files: readonly string[]): Step {
  return compute("solhint", [bin("solhint"), "--noPoster", "--max-warnings", "0", ...files]);
}

/**
 * Mocha files in some processes. They run without Hardhat's task; a test that needs Hardhat imports it. A
 * process ends with its last test: what a failed `before` has started would keep it open.
 */
export function mocha(files: readonly string[]): Step {
  const programs = shards(files, seconds).map(({ files }) => ({
    args: ["node_modules/mocha/bin/mocha.js", "--reporter", "dot", "--exit", ...files],
    env: { NODE_ENV: "test", PATH: `${root}/node_modules/.bin:${process.env.PATH}` },
  }));
  return { name: "mocha", lane: "mocha", programs, after: compiled, counted: true };
}
