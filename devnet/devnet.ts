import { mnemonicToAccount } from "viem/accounts";
import { parseEther, type Address, type Hex } from "viem";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import path from "node:path";
import { fileURLToPath } from "node:url";
import config from "../hardhat.config.ts";
import { deployContracts, type Connection } from "../ignition/deploy.ts";
import { readParameters, type Parameters } from "../ignition/parameters.ts";
import type { Deployment } from "../src/chain/deployment.ts";
import { bytesToHex } from "../src/protocol/bytes.ts";

/** Hardhat's well-known test mnemonic: its keys hold ether only on the embedded chain. */
const MNEMONIC = "test test test test test test test test test test test junk";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The launch classes, in the order of their indices. */
export const classIds = { http: 0, "json-rpc": 1, tcp: 2 } as const;

/** Differences of a deployment from
 * ignition/parameters/devnet.json, for tests and benchmarks. */
export interface DevnetParameters {
  epochSeconds?: number;
  challengeWindow?: number;
  bounds?: { excellentMs: number; goodMs: number; poorMs: number };
}

export interface DevnetOptions extends DevnetParameters {
  /** One block for each transaction, instead of one per second. */
  automine?: boolean;
}

/** A chain in this process with the contracts on it. */
export interface Devnet {
  rpcUrl: string;
  deployment: Deployment;
  stop(): Promise<void>;
}

/** A key that holds ether on the embedded chain. */
export function devKey(index: number): { key: Hex; address: Address } {
  const account = mnemonicToAccount(MNEMONIC, { addressIndex: index });
  const key = account.getHdKey().privateKey;
  if (key === null) throw new Error(`No private key at index ${index}.`);
  return { key: bytesToHex(key), address: account.address };
}

/**
 * Starts the embedded chain, serves its JSON-RPC on loopback and deploys the contracts.
 *
 * @param folder Folder of the deployment's journal. The chain is new each time, so an older journal must not be
 * resumed.
 */
export async function startDevnet(folder: string, options: DevnetOptions = {}): Promise<Devnet> {
  // Does not depend on the working directory, because the command runs from any folder.
  const paths = { ...config.paths, ignition: path.join(folder, "ignition") };
  const hre = await createHardhatRuntimeEnvironment({ ...config, paths }, {}, root);
  const mining = options.automine === true ? { auto: true, interval: 0 } : undefined;
  const chain = { network: "simulated", ...(mining && { override: { mining } }) };
  const server = await hre.network.createServer(chain, "127.0.0.1", 0);
  const { port } = await server.listen();
  const rpcUrl = `http://127.0.0.1:${port}`;
  try {
    const connection = await hre.network.create({
      network: "devnet",
      override: { url: rpcUrl },
    });
    const deployment = await deployDevnet(connection, options).finally(() => connection.close());
    return { rpcUrl, deployment, stop: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/**
 * Deploys a later version of a devnet's contracts, for the same token and with the same parameters; the
 * earlier registry must be closed.
 */
export function deploySuccessor(
  connection: Connection,
  before: Deployment,
  options: DevnetParameters = {},
): Promise<Deployment> {
  const { treasury: _, ...parameters } = devnetParameters(options);
  return deployContracts(
    connection,
    {
      ...parameters,
      token: before.contracts.token,
      predecessor: before.contracts.registry,
      rewardSupply: parseEther("1000000"),
    },
    { network: "devnet", confirmations: 1, deployConfirmations: 1 },
  );
}

/** Deploys the contracts with the embedded chain's parameters on any chain that Hardhat is connected to. */
export function deployDevnet(
  connection: Connection,
  options: DevnetParameters = {},
): Promise<Deployment> {
  return deployContracts(connection, devnetParameters(options), {
    network: "devnet",
    confirmations: 1,
    deployConfirmations: 1,
  });
}

function devnetParameters(options: DevnetParameters): Parameters {
  const parameters = readParameters(path.join(root, "ignition/parameters/devnet.json"));
  const epochSeconds = options.epochSeconds ?? parameters.epochSeconds;
  return {
    ...parameters,
    epochSeconds,
    unbondingSeconds: Math.max(parameters.unbondingSeconds, 11 * epochSeconds),
    challengeWindow: options.challengeWindow ?? parameters.challengeWindow,
    ...options.bounds,
  };
}
