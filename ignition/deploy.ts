import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { createPublicClient, custom, type PublicClient } from "viem";
import type { Deployment } from "../src/chain/deployment.ts";
import { abiHash } from "../src/protocol/abiHash.ts";
import { serviceRegistryAbi } from "../src/protocol/abi/serviceRegistry.ts";
import Blockcloud from "./modules/Blockcloud.ts";
import Successor from "./modules/Successor.ts";
import { givenParameters, plainParameters, type Parameters } from "./parameters.ts";

/** A chain as Hardhat is connected to it. */
export type Connection = Awaited<ReturnType<HardhatRuntimeEnvironment["network"]["create"]>>;

export interface DeployOptions {
  /** What the deployment file calls the network. */
  network: string;
  /** Blocks after an epoch's first before workers trust its seed. */
  confirmations: number;
  /** Blocks on top of a transaction before the next ones are sent. */
  deployConfirmations: number;
  /** Names the journal's folder, in which an interrupted deployment goes on. */
  deploymentId?: string;
  /** Shows each transaction on standard output. */
  displayUi?: boolean;
}

/**
 * Deploys the contracts, or goes on where an earlier call was cut off: what stands in the journal is not
 * done again. A complete deployment is only read.
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

/** The first block of a moment (Unix seconds) or after it: the registry's, whose time is the genesis. */
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
