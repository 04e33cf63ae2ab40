import { mnemonicToAccount } from "viem/accounts";
import { createPublicClient, custom, parseEther, type Address, type Hex } from "viem";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import path from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../hardhat.config.ts";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import Blockcloud from "../../ignition/modules/Blockcloud.ts";
import type { Deployment } from "../chain/deployment.ts";
import { serviceRegistryAbi } from "../protocol/abi/serviceRegistry.ts";
import { bytesToHex } from "../protocol/bytes.ts";

/** Hardhat's well-known test mnemonic: its keys hold ether on the embedded chain and nowhere else. */
const MNEMONIC = "test test test test test test test test test test test junk";

/** Index of the key that governs the embedded chain's classes. */
const GOVERNOR = 19;

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Parameters of the embedded chain (docs/protocol.md, section 7). */
const parameters = {
  epochSeconds: 12,
  unbondingSeconds: 120,
  minimumAuditorStake: parseEther("5000"),
  minimumServiceStake: parseEther("1000"),
  registrationFee: parseEther("10"),
  challengeWindow: 30,
  challengeCoolDown: 120,
  challengeBond: parseEther("50"),
  labelMinimumAge: 2,
  labelMaximumAge: 3_600,
  governanceDelay: 0,
  bounds: { excellentMs: 500, goodMs: 2_000, poorMs: 10_000 },
  confirmations: 1,
} as const;

/** The launch classes, in the order of their indices. */
export const classIds = { http: 0, "json-rpc": 1 } as const;

/** What a deployment may have otherwise than the parameters above, for tests and benchmarks. */
export interface DeployOptions {
  epochSeconds?: number;
  challengeWindow?: number;
  bounds?: { excellentMs: number; goodMs: number; poorMs: number };
}

export interface DevnetOptions extends DeployOptions {
  /** A block for each transaction, and none else, instead of one a second. */
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
 * @param folder Takes the deployment's journal: this chain is new each time, so an older one's is not
 * to be resumed.
 */
export async function startDevnet(folder: string, options: DevnetOptions = {}): Promise<Devnet> {
  // Not the environment of the working directory: the command runs from any folder.
  const paths = { ...config.paths, ignition: path.join(folder, "ignition") };
  const hre = await createHardhatRuntimeEnvironment({ ...config, paths }, {}, root);
  const mining = options.automine === true ? { auto: true, interval: 0 } : undefined;
  const chain = { network: "devnet", ...(mining && { override: { mining } }) };
  const server = await hre.network.createServer(chain, "127.0.0.1", 0);
  const { port } = await server.listen();
  const rpcUrl = `http://127.0.0.1:${port}`;
  try {
    const connection = await hre.network.create({
      network: "embedded",
      override: { url: rpcUrl },
    });
    const deployment = await deployContracts(connection, options).finally(() => connection.close());
    return { rpcUrl, deployment, stop: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Deploys the contracts with the embedded chain's parameters on any chain that Hardhat is connected to. */
export async function deployContracts(
  connection: Awaited<ReturnType<HardhatRuntimeEnvironment["network"]["create"]>>,
  options: DeployOptions = {},
): Promise<Deployment> {
  const epochSeconds = options.epochSeconds ?? parameters.epochSeconds;
  const bounds = options.bounds ?? parameters.bounds;
  const deployed = await connection.ignition.deploy(Blockcloud, {
    parameters: {
      Blockcloud: {
        epochSeconds,
        unbondingSeconds: Math.max(parameters.unbondingSeconds, 10 * epochSeconds),
        minimumAuditorStake: parameters.minimumAuditorStake,
        minimumServiceStake: parameters.minimumServiceStake,
        registrationFee: parameters.registrationFee,
        ...bounds,
        challengeWindow: options.challengeWindow ?? parameters.challengeWindow,
        challengeCoolDown: parameters.challengeCoolDown,
        challengeBond: parameters.challengeBond,
        labelMinimumAge: parameters.labelMinimumAge,
        labelMaximumAge: parameters.labelMaximumAge,
        treasury: devKey(0).address,
        governor: devKey(GOVERNOR).address,
        governanceDelay: parameters.governanceDelay,
      },
    },
    config: { requiredConfirmations: 1, blockPollingInterval: 100 },
  });
  const address = async (contract: { getAddress(): Promise<string> }) =>
    (await contract.getAddress()) as Address;
  const registry = await address(deployed.registry);
  const client = createPublicClient({ transport: custom(connection.provider) });
  const [chainId, genesis] = await Promise.all([
    client.getChainId(),
    client.readContract({
      address: registry,
      abi: serviceRegistryAbi,
      functionName: "genesis",
    }),
  ]);
  return {
    chainId,
    block: 1,
    genesis: Number(genesis),
    epochSeconds,
    confirmations: parameters.confirmations,
    contracts: {
      token: await address(deployed.token),
      rewardPool: await address(deployed.rewardPool),
      registry,
      staking: await address(deployed.staking),
      proofOfService: await address(deployed.proofOfService),
      challengeBook: await address(deployed.challengeBook),
    },
  };
}
