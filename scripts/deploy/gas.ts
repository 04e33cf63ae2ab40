import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { createPublicClient, custom } from "viem";
import { deployContracts } from "../../ignition/deploy.ts";
import type { Parameters } from "../../ignition/parameters.ts";

/**
 * Gas of a deployment, measured on a chain in this process. Parameters that a constructor refuses are found here,
 * before the first transaction.
 */
export async function deploymentGas(
  hre: HardhatRuntimeEnvironment,
  parameters: Parameters,
): Promise<bigint> {
  const connection = await hre.network.create({
    network: "simulated",
    override: { mining: { auto: true, interval: 0 } },
  });
  try {
    // A successor costs as much, but its predecessor is not on this chain.
    const first = {
      ...parameters,
      treasury: parameters.treasury ?? parameters.governor,
      token: undefined,
      predecessor: undefined,
      rewardSupply: undefined,
    };
    await deployContracts(connection, first, {
      network: "simulated",
      confirmations: 1,
      deployConfirmations: 1,
    });
    const client = createPublicClient({ transport: custom(connection.provider), cacheTime: 0 });
    const head = await client.getBlockNumber();
    const blocks = Array.from({ length: Number(head) }, (_, index) => BigInt(index + 1));
    const used = blocks.map(
      async (blockNumber) => (await client.getBlock({ blockNumber })).gasUsed,
    );
    return (await Promise.all(used)).reduce((sum, gas) => sum + gas, 0n);
  } finally {
    await connection.close();
  }
}
