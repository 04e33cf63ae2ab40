/**
 * `npm run deploy -- --network NAME`: deploys the contracts, hands over governance, writes `deployments/NAME.json`,
 * and compares the contracts on chain with the parameters. Another run continues where the last one stopped, and
 * changes nothing if the deployment is complete.
 */
import { Command } from "commander";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline/promises";
import {
  createPublicClient,
  custom,
  formatEther,
  formatGwei,
  parseEther,
  type PublicClient,
} from "viem";
import config from "../hardhat.config.ts";
import { checkDeployment, type Check } from "../ignition/check.ts";
import { deployContracts, type Connection } from "../ignition/deploy.ts";
import { networks, type NetworkFacts } from "../ignition/networks.ts";
import { plainParameters, readParameters, type Parameters } from "../ignition/parameters.ts";
import type { Deployment } from "../src/chain/deployment.ts";
import { serviceRegistryAbi } from "../src/protocol/abi/serviceRegistry.ts";
import { refuseSecret } from "../src/node/misplaced.ts";
import { BlockcloudError } from "../src/protocol/errors.ts";
import { deploymentGas } from "./deploy/gas.ts";
import { mintTransaction } from "./deploy/journal.ts";
import { DeploymentFiles, type Begun } from "./deploy/record.ts";
import { report } from "./deploy/report.ts";
import { mendJournal } from "./deploy/resume.ts";

const root = path.dirname(import.meta.dirname);

interface Flags {
  network: string;
  parameters?: string;
  treasury?: string;
  governor?: string;
  rpc?: string;
  name?: string;
  succeeds?: string;
  rewardSupply?: string;
  folder: string;
  check: boolean;
  setAside: boolean;
  yes: boolean;
  json: boolean;
}

const program = new Command("npm run deploy --")
  .description("Deploy the contracts to a network, or continue an interrupted deployment.")
  .requiredOption("--network <name>", `one of ${Object.keys(networks).join(", ")}`)
  .option("--parameters <file>", "parameter file (default: ignition/parameters/<network>.json)")
  .option(
    "--treasury <address>",
    "receiver of the supply that is not for rewards, if not in the file",
  )
  .option("--governor <address>", "account that adds, opens and closes classes, if not in the file")
  .option("--rpc <url>", "JSON-RPC endpoint, for devnet only (default: http://127.0.0.1:8545)")
  .option("--name <name>", "name of the deployment (default: the network's name)")
  .option("--succeeds <file>", "deployment file of the version whose services may be taken over")
  .option("--reward-supply <bloc>", "with --succeeds: BLOC for the reward pool, from the deployer")
  .option("--folder <path>", "folder of deployments/ and ignition/deployments/", root)
  .option(
    "--check",
    "deploy nothing, only compare the contracts on chain with the parameters",
    false,
  )
  .option(
    "--set-aside",
    "deploy anew where the files are of another chain, and keep them in ignition/set-aside/",
    false,
  )
  .option("--yes", "do not ask before sending", false)
  .option("--json", "print the result as one line of JSON; progress goes to stderr", false)
  .addHelpText(
    "after",
    `
Examples:
  npm run deploy -- --network devnet
  npm run deploy -- --network sepolia --treasury 0x... --governor 0x...
  npm run deploy -- --network sepolia --check
  npm run deploy -- --network sepolia --name sepolia-2 --succeeds deployments/sepolia.json \\
    --reward-supply 1000000 --governor 0x...

Secrets of sepolia: SEPOLIA_RPC_URL and SEPOLIA_DEPLOYER_KEY, from the environment or from Hardhat's
keystore (npx hardhat keystore set SEPOLIA_DEPLOYER_KEY). docs/operations.md has the whole walk-through.`,
  )
  .parse();
const flags = program.opts<Flags>();
const name = flags.name ?? flags.network;
const files = new DeploymentFiles(flags.folder, name);

try {
  for (const value of Object.values(flags)) if (typeof value === "string") refuseSecret(value);
  process.exitCode = await main();
} catch (error) {
  const known = error instanceof BlockcloudError;
  const name = known ? error.code : "DEPLOYMENT_FAILED";
  process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const facts = networks[flags.network];
  if (facts === undefined) {
    throw new BlockcloudError("NETWORK_UNKNOWN", `There is no network ${flags.network}.`, {
      remedy: `Networks: ${Object.keys(networks).join(", ")}.`,
    });
  }
  if (flags.rpc !== undefined && facts.chainId !== undefined) {
    throw new BlockcloudError("RPC_FIXED", `--rpc is for devnet, not for ${flags.network}.`, {
      remedy: "Its endpoint may contain a key: set it as a configuration variable.",
    });
  }
  const paths = { ...config.paths, ignition: path.join(flags.folder, "ignition") };
  const hre = await createHardhatRuntimeEnvironment(
    { ...config, paths },
    // Other processes may read the types at this moment, and a deployment needs none.
    { noTypechain: true },
    root,
  );
  await hre.tasks.getTask("build").run({ quiet: true, noTests: true });
  const connection = await hre.network.create({
    network: flags.network,
    ...(flags.rpc !== undefined && { override: { url: flags.rpc } }),
  });
  try {
    const client = createPublicClient({ transport: custom(connection.provider), cacheTime: 0 });
    const chain = await identify(client, facts);
    const record = await files.begun(chain, { ...flags, say });
    const parameters = readParameters(
      flags.parameters ?? path.join(root, `ignition/parameters/${flags.network}.json`),
      { ...given(record?.parameters), ...given(flags), ...succession() },
    );
    refuseOthers(record?.parameters, parameters);
    const [deployer] = await connection.ethers.getSigners();
    if (deployer === undefined)
      throw new BlockcloudError("KEY_MISSING", "The network has no account.");
    if (parameters.governor === deployer.address) {
      throw new BlockcloudError("GOVERNOR_IS_DEPLOYER", `${deployer.address} deploys.`, {
        remedy: "The deployer keeps no role: name another --governor, preferably a multisig.",
      });
    }
    const deployedBefore = existsSync(files.deployment);
    if (flags.check && !deployedBefore) {
      throw new BlockcloudError("DEPLOYMENT_MISSING", `There is no ${files.deployment}.`);
    }
    if (!deployedBefore) {
      await needClosed(client, parameters);
      say(`seeds on ${flags.network}: ${facts.randomness}`);
      await preview(hre, client, parameters, deployer.address as `0x${string}`);
      if (!(await confirmed(facts))) return 3;
      await files.keep(chain, parameters);
      say("deploying: ten contracts and eight calls");
    }
    const deployment = flags.check
      ? (JSON.parse(await readFile(files.deployment, "utf8")) as Deployment)
      : await deploy(connection, client, parameters, {
          facts,
          deployer: deployer.address as `0x${string}`,
        });
    const mint = await mintTransaction(hre, files.journal);
    const checks = await checkDeployment(hre, client, {
      deployment,
      parameters,
      deployer: deployer.address as `0x${string}`,
      ...(mint !== undefined && { mint }),
    });
    return await finish(deployment, checks, deployedBefore);
  } finally {
    await connection.close();
  }
}

async function deploy(
  connection: Connection,
  client: PublicClient,
  parameters: Parameters,
  { facts, deployer }: { facts: NetworkFacts; deployer: `0x${string}` },
): Promise<Deployment> {
  const confirmations = facts.deployConfirmations;
  await mendJournal(files.journal, connection, { client, deployer, confirmations });
  return deployContracts(connection, parameters, {
    network: name,
    confirmations: facts.confirmations,
    deployConfirmations: confirmations,
    deploymentId: name,
    displayUi: !flags.json && process.stdout.isTTY,
  });
}

/** Writes the deployment file last, and only if all comparisons succeed. */
async function finish(
  deployment: Deployment,
  checks: readonly Check[],
  deployedBefore: boolean,
): Promise<number> {
  const ok = checks.every((check) => check.ok);
  const file = files.deployment;
  const text = `${JSON.stringify({ ...presets(file), ...deployment }, null, 2)}\n`;
  const same = deployedBefore && (await readFile(file, "utf8")) === text;
  if (ok && !flags.check && !same) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  const changed = ok && !flags.check && !same;
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ ok, changed, file, deployment, checks })}\n`
      : report(deployment, checks, { file, changed }),
  );
  return ok ? 0 : 1;
}

/** What people have added to the file: where the network is reached. */
function presets(file: string): Pick<Deployment, "bootstrap" | "rpc"> {
  if (!existsSync(file)) return {};
  const { bootstrap, rpc } = JSON.parse(readFileSync(file, "utf8")) as Deployment;
  return { ...(bootstrap && { bootstrap }), ...(rpc && { rpc }) };
}

/** Checks that the predecessor is closed, before the contracts would refuse the deployment. */
async function needClosed(client: PublicClient, { predecessor }: Parameters): Promise<void> {
  if (predecessor === undefined) return;
  const registry = { address: predecessor, abi: serviceRegistryAbi } as const;
  const [isClosed, closesAt] = await Promise.all([
    client.readContract({ ...registry, functionName: "isClosed" }),
    client.readContract({ ...registry, functionName: "closesAt" }),
  ]);
  if (isClosed) return;
  const when = closesAt === 0n ? "" : ` before ${new Date(Number(closesAt) * 1000).toISOString()}`;
  throw new BlockcloudError(
    "PREDECESSOR_OPEN",
    `The registry ${predecessor} is not closed${when}.`,
    {
      remedy:
        closesAt === 0n
          ? "Its governor must announce the closing first (announceClosing): see docs/operations.md."
          : "Wait until then, and run again.",
    },
  );
}

/** The first block's hash, which distinguishes chains with the same ID. */
async function identify(client: PublicClient, facts: NetworkFacts): Promise<string> {
  const chainId = await client.getChainId();
  if (facts.chainId !== undefined && chainId !== facts.chainId) {
    throw new BlockcloudError(
      "CHAIN_MISMATCH",
      `The RPC endpoint serves chain ${chainId}, but ${flags.network} has chain ID ${facts.chainId}.`,
      { remedy: "Check the network's RPC URL." },
    );
  }
  return (await client.getBlock({ blockNumber: 0n })).hash;
}

/** The parameters that the command line may give. */
function given(source: object | undefined): Record<string, string> {
  const names = ["treasury", "governor", "token", "predecessor"];
  const values = (source ?? {}) as Record<string, string | undefined>;
  const supply = (source as Begun["parameters"] | undefined)?.rewardSupply;
  return {
    ...Object.fromEntries(names.flatMap((key) => (values[key] ? [[key, values[key]]] : []))),
    // From an earlier run, in wei. The flag, in BLOC, is read in `succession`.
    ...(source !== flags && supply !== undefined && { rewardSupply: `${supply}n` }),
  };
}

/** The parameters of `--succeeds`. */
function succession(): Record<string, string> {
  if ((flags.succeeds === undefined) !== (flags.rewardSupply === undefined)) {
    throw new BlockcloudError("FLAGS_INCOMPLETE", "--succeeds and --reward-supply go together.");
  }
  if (flags.succeeds === undefined) return {};
  if (name === flags.network) {
    throw new BlockcloudError("NAME_TAKEN", `${name} is the name of the first version.`, {
      remedy: `Give the successor another, for example --name ${name}-2.`,
    });
  }
  const { contracts } = JSON.parse(readFileSync(flags.succeeds, "utf8")) as Deployment;
  return {
    token: contracts.token,
    predecessor: contracts.registry,
    rewardSupply: `${parseEther(flags.rewardSupply ?? "")}n`,
  };
}

function refuseOthers(
  before: ReturnType<typeof plainParameters> | undefined,
  parameters: Parameters,
): void {
  if (before === undefined) return;
  const changed = Object.entries(plainParameters(parameters))
    .filter(([name, value]) => before[name] !== value)
    .map(([name, value]) => `${name}: ${value}, was ${before[name]}`);
  if (changed.length === 0) return;
  throw new BlockcloudError(
    "PARAMETERS_CHANGED",
    `This deployment was begun with other parameters (${changed.join("; ")}).`,
    {
      remedy:
        "Continue with those parameters. A deployment with others needs its own folder (--folder).",
    },
  );
}

/** Shows the cost, measured on a chain in this process, and checks that the deployer can pay it. */
async function preview(
  hre: Awaited<ReturnType<typeof createHardhatRuntimeEnvironment>>,
  client: PublicClient,
  parameters: Parameters,
  deployer: `0x${string}`,
): Promise<void> {
  const gas = await deploymentGas(hre, parameters);
  const [{ maxFeePerGas }, balance] = await Promise.all([
    client.estimateFeesPerGas({ chain: null }),
    client.getBalance({ address: deployer }),
  ]);
  const cost = gas * maxFeePerGas;
  say(
    `${gas} gas at up to ${formatGwei(maxFeePerGas)} gwei: at most ${formatEther(cost)} ETH, paid by ` +
      `${deployer}, which has ${formatEther(balance)} ETH`,
  );
  if (balance < cost) {
    throw new BlockcloudError(
      "BALANCE_SHORT",
      `${deployer} has ${formatEther(balance)} ETH, but the deployment may cost ${formatEther(cost)} ETH.`,
      { remedy: "Send ether to it, or wait for a lower gas price." },
    );
  }
}

async function confirmed(facts: NetworkFacts): Promise<boolean> {
  if (flags.yes || facts.chainId === undefined) return true;
  if (!process.stdin.isTTY) {
    say("standard input is not a terminal: give --yes to deploy without a confirmation");
    return false;
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test(await prompt.question(`Deploy to ${flags.network}? (y/N) `));
  } finally {
    prompt.close();
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
