import { fileURLToPath } from "node:url";
import hardhatToolboxMochaEthers from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig } from "hardhat/config";

/** The compiler comes from npm: nothing is downloaded when the project is built. */
const compiler = {
  version: "0.8.37",
  path: fileURLToPath(import.meta.resolve("solc/soljson.js")),
  settings: {
    evmVersion: "cancun",
    viaIR: true,
    // For snapshots/storage.json.
    outputSelection: { "*": { "*": ["storageLayout"] } },
    optimizer: { enabled: true, runs: 2_000 },
  },
};

/** `npm run test:deep` */
const deep = process.env.BLOCKCLOUD_DEEP === "1";

/** A folder of its own for what is built: several builds may then run at once (scripts/solidity.ts). */
const build = process.env.BLOCKCLOUD_BUILD ?? ".";

export default defineConfig({
  plugins: [hardhatToolboxMochaEthers],
  paths: {
    tests: { solidity: "./test", mocha: "./test" },
    cache: `${build}/cache`,
    artifacts: `${build}/artifacts`,
  },
  solidity: {
    npmFilesToBuild: ["@openzeppelin/contracts/access/manager/AccessManager.sol"],
    profiles: { default: compiler, production: compiler },
  },
  typechain: { outDir: `${build}/typechain-types` },
  test: {
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
