/** The step `solidity` of `npm test`: Hardhat compiles the contracts and the tests that changed, and runs all. */
import { spawnSync } from "node:child_process";
import path from "node:path";

const { status } = spawnSync(
  process.execPath,
  ["node_modules/hardhat/dist/src/cli.js", "test", "solidity"],
  { cwd: path.dirname(import.meta.dirname), stdio: "inherit" },
);
process.exitCode = status ?? 1;
