import { root, type Program } from "./process.ts";
import { mochaFiles, shards } from "./shards.ts";
import seconds from "./seconds.json" with { type: "json" };

/** A part of the suite: programs that must all succeed. */
export interface Step {
  name: string;
  /** `compute` uses a core fully, `mocha` mostly waits. */
  lane: "compute" | "mocha";
  programs: readonly Program[];
  /** Steps that must end before this one begins, if they run. */
  after?: readonly string[];
  /** Whether the programs print the numbers of passed and failed tests; else the step counts as one. */
  counted?: boolean;
  /** Runs only if it is named. */
  onDemand?: boolean;
}

export const hardhat = "node_modules/hardhat/dist/src/cli.js";
const bin = (name: string) => `node_modules/.bin/${name}`;

/** Steps that need artifacts, ABIs or generated types. */
const compiled = ["compile"] as const;

/** Properties and fuzzing of sessions. */
const DEEP_SAL = ["wire", "replay", "fuzz", "property"].map((name) => `test/sal/${name}.test.ts`);

/** All steps; in a lane the longest come first, after their dependencies. */
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
        args: [
          ...[hardhat, "test", "solidity"],
          ...["test/invariant/ProofOfService.t.sol", "test/invariant/Cashier.t.sol"],
        ],
        env: { BLOCKCLOUD_DEEP: "1" },
      },
      mochaProgram(["test/sal/proxy/fuzz.test.ts"], { BLOCKCLOUD_DEEP: "1" }),
      mochaProgram(DEEP_SAL, { BLOCKCLOUD_DEEP: "1" }),
    ],
    after: compiled,
    counted: true,
    onDemand: true,
  },
];

function compute(name: string, args: readonly string[]): Step {
  return { name, lane: "compute", programs: [{ args }] };
}

/** Checks the whole project, because a change of types in one file affects others; uses the cache. */
export function types(): Step {
  const kept = (name: string) => [
    "--incremental",
    "--tsBuildInfoFile",
    `cache/${name}.tsbuildinfo`,
  ];
  return {
    name: "types",
    lane: "compute",
    programs: [
      { args: [bin("tsc"), ...kept("types")] },
      // The page runs in browsers: another library of types.
      { args: [bin("tsc"), "--project", "console", ...kept("console")] },
    ],
    after: compiled,
  };
}

/** Checks the permitted imports of the whole project, because circles involve many files. */
export function imports(): Step {
  const rules = ["--config", "imports.config.js", "--output-type", "err"];
  const folders = [
    "src",
    "devnet",
    "bench",
    "scripts",
    "ignition",
    "console/src",
    "test/support/recount",
  ];
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
 * Mocha files in several processes. They run without Hardhat's task; a test that needs Hardhat imports it. A process
 * exits after its last test, because parts that a failed `before` has started would keep it alive.
 */
export function mocha(files: readonly string[]): Step {
  const programs = shards(files, seconds).map(({ files }) => mochaProgram(files));
  return { name: "mocha", lane: "mocha", programs, after: compiled, counted: true };
}

function mochaProgram(files: readonly string[], env: Record<string, string> = {}): Program {
  return {
    args: ["node_modules/mocha/bin/mocha.js", "--reporter", "dot", "--exit", ...files],
    env: { NODE_ENV: "test", PATH: `${root}/node_modules/.bin:${process.env.PATH}`, ...env },
  };
}
