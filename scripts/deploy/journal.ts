import { HardhatArtifactResolver } from "@nomicfoundation/hardhat-ignition/helpers";
import { listTransactions, TransactionStatus } from "@nomicfoundation/ignition-core";
import { existsSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "viem";

/** The transaction that created the token and its supply; undefined without a journal. */
export async function mintTransaction(
  hre: HardhatRuntimeEnvironment,
  folder: string,
): Promise<Hex | undefined> {
  if (!existsSync(folder)) return undefined;
  const sent = await listTransactions(folder, new HardhatArtifactResolver(hre.artifacts));
  const token = sent.find(
    ({ name, address, status }) =>
      name === "BlocToken" && address !== undefined && status === TransactionStatus.SUCCESS,
  );
  return token?.txHash as Hex | undefined;
}
