import { fileURLToPath } from "node:url";
import hardhatToolboxMochaEthers from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig } from "hardhat/config";
import { testCompiler } from "./scripts/test-compiler.ts";
import mocha from "./.mocharc.json" with { type: "json" };

/**
 * The Yul optimizer's own sequence without its steps `L` and `E`, which solc 0.8.19 to 0.8.37 can get wrong
 * (docs/decisions/0033-the-compilers-bugs.md); clean-up follows the colon.
 */
const optimizerSteps =
  "dfDvulfnTUtnIfxa[r]scMVcul [j]Trpeulxa[r]cviufMCTUca[r]SsTFOtfDnca[r]IulcscCTUt" +
  "viufMx[scCTUt] TOntnfDIulviufMjmul[jul] VcTOcul jmul:fDnTOcmuO";
const optimizer = (runs: number) => ({
  enabled: true,
  runs,
  details: { yul: true, yulDetails: { optimizerSteps } },
});

/** The compiler comes from npm: nothing is downloaded when the project is built. */
const compiler = {
  version: "0.8.37",
  path: fileURLToPath(import.meta.resolve("solc/soljson.js")),
  settings: {
    evmVersion: "cancun",
    viaIR: true,
    // For snapshots/storage.json.
    outputSelection: { "*": { "*": ["storageLayout"] } },
    optimizer: optimizer(2_000),
  },
};

/** Calls of the registry are rare beside those of a round: its size counts for more than its gas. */
const smaller = {
  ...compiler,
  settings: { ...compiler.settings, optimizer: optimizer(200) },
};
const profile = {
  compilers: [compiler],
  overrides: { "contracts/registry/ServiceRegistry.sol": smaller },
};

/** `npm run test:deep` */
const deep = process.env.BLOCKCLOUD_DEEP === "1";

export default defineConfig({
  plugins: [hardhatToolboxMochaEthers, testCompiler],
  paths: { tests: { solidity: "./test", mocha: "./test" } },
  solidity: {
    // Before it compiles tests, Hardhat compiles the contracts: tests create them from their artifacts.
    splitTestsCompilation: true,
    npmFilesToBuild: ["@openzeppelin/contracts/access/manager/AccessManager.sol"],
    profiles: { default: profile, production: profile },
  },
  typechain: { outDir: "./typechain-types" },
  test: {
    mocha,
    solidity: {
      fsPermissions: { readDirectory: ["./test/vectors"] },
      fuzz: { runs: 256, seed: "0x626c6f63" },
      invariant: {
        ...(deep ? { runs: 256, depth: 128 } : { runs: 32, depth: 64 }),
        failOnRevert: true,
      },
    },
  },
  networks: {
    /** The chain of `npm start`, in its process: blocks come by the clock, transactions wait for them. */
    simulated: {
      type: "edr-simulated",
      chainType: "l1",
      chainId: 31337,
      mining: { auto: false, interval: 1000 },
    },
    /** A chain on this machine, by its JSON-RPC port: the one above, `hardhat node`, Anvil. */
    devnet: { type: "http", chainType: "l1", url: "http://127.0.0.1:8545" },
    sepolia: {
      type: "http",
      chainType: "l1",
      chainId: 11_155_111,
      url: configVariable("SEPOLIA_RPC_URL"),
      accounts: [configVariable("SEPOLIA_DEPLOYER_KEY")],
    },
    "base-sepolia": {
      type: "http",
      chainType: "op",
      chainId: 84_532,
      url: configVariable("BASE_SEPOLIA_RPC_URL"),
      accounts: [configVariable("BASE_SEPOLIA_DEPLOYER_KEY")],
    },
  },
  verify: { etherscan: { apiKey: configVariable("ETHERSCAN_API_KEY") } },
});
