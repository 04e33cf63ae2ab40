import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { createPublicClient, custom, type PublicClient } from "viem";
import type { Deployment } from "../src/chain/deployment.ts";
import { abiHash } from "../src/protocol/abiHash.ts";
import { serviceRegistryAbi } from "../src/protocol/abi/serviceRegistry.ts";
import Blockcloud from "./modules/Blockcloud.ts";
import Successor from "./modules/Successor.ts";
import { givenParameters, plainParameters, type Parameters } from "./parameters.ts";

/** Hardhat's connection to a chain. */
export type Connection = Awaited<ReturnType<HardhatRuntimeEnvironment["network"]["create"]>>;

export interface DeployOptions {
  /** The network's name in the deployment file. */
  network: string;
  /** Blocks above an epoch's first block before workers trust its seed. */
  confirmations: number;
  /** Blocks above a transaction before the next ones are sent. */
  deployConfirmations: number;
  /** Name of the journal's folder, with which an interrupted deployment continues. */
  deploymentId?: string;
  /** Shows each transaction on standard output. */
  displayUi?: boolean;
}

/**
 * Deploys the contracts, or continues an interrupted deployment: steps in the journal are not repeated. A complete
 * deployment is only read.
 */
export async function deployContracts(
  connection: Connection,
  parameters: Parameters,
  options: DeployOptions,
): Promise<Deployment> {
  const module = parameters.predecessor === undefined ? Blockcloud : Successor;
  const deployed = await connection.ignition.deploy(module, {
    parameters: { [module.id]: givenParameters(parameters) },
    config: { requiredConfirmations: options.deployConfirmations, blockPollingInterval: 100 },
    ...(options.deploymentId !== undefined && { deploymentId: options.deploymentId }),
    displayUi: options.displayUi ?? false,
  });
  const client = createPublicClient({ transport: custom(connection.provider), cacheTime: 0 });
  const contracts = Object.fromEntries(
    await Promise.all(
      Object.entries(deployed).map(async ([name, contract]) => [name, await contract.getAddress()]),
    ),
  ) as Deployment["contracts"];
  const [chainId, genesis] = await Promise.all([
    client.getChainId(),
    client.readContract({
      address: contracts.registry,
      abi: serviceRegistryAbi,
      functionName: "genesis",
    }),
  ]);
  return {
    network: options.network,
    chainId,
    block: Number(await blockAt(client, genesis)),
    genesis: Number(genesis),
    epochSeconds: parameters.epochSeconds,
    confirmations: options.confirmations,
    abiHash: abiHash(),
    contracts,
    parameters: plainParameters(parameters),
  };
}

/** The first block not older than a moment (Unix seconds): the registry's, whose time is the genesis. */
async function blockAt(client: PublicClient, timestamp: bigint): Promise<bigint> {
  let [low, high] = [0n, await client.getBlockNumber()];
  while (low < high) {
    const middle = (low + high) / 2n;
    const block = await client.getBlock({ blockNumber: middle });
    if (block.timestamp < timestamp) low = middle + 1n;
    else high = middle;
  }
  return low;
}
