import path from "node:path";
import { fileURLToPath } from "node:url";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import config from "../../hardhat.config.ts";
import { deployDevnet, type DevnetParameters } from "../../devnet/devnet.ts";
import type { Deployment } from "../../src/chain/deployment.ts";

/**
 * Deploys the contracts on a chain that others run, as the devnet deploys them on its own.
 *
 * @param folder Folder of the deployment's journal.
 */
export async function deployOn(
  rpcUrl: string,
  folder: string,
  parameters: DevnetParameters,
): Promise<Deployment> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const paths = { ...config.paths, ignition: path.join(folder, "ignition") };
  const hre = await createHardhatRuntimeEnvironment({ ...config, paths }, {}, root);
  const connection = await hre.network.create({ network: "devnet", override: { url: rpcUrl } });
  try {
    return await deployDevnet(connection, parameters);
  } finally {
    await connection.close();
  }
}
