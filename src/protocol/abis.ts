import { blocTokenAbi } from "./abi/blocToken.ts";
import { cashierAbi } from "./abi/cashier.ts";
import { challengeBookAbi } from "./abi/challengeBook.ts";
import { proofOfServiceAbi } from "./abi/proofOfService.ts";
import { rewardPoolAbi } from "./abi/rewardPool.ts";
import { serviceLabelsAbi } from "./abi/serviceLabels.ts";
import { serviceRegistryAbi } from "./abi/serviceRegistry.ts";
import { settlementAbi } from "./abi/settlement.ts";
import { stakingAbi } from "./abi/staking.ts";

/** The contracts' ABIs, by their names in a deployment file; the order is part of `abiHash`. */
export const abis = {
  token: blocTokenAbi,
  rewardPool: rewardPoolAbi,
  registry: serviceRegistryAbi,
  staking: stakingAbi,
  proofOfService: proofOfServiceAbi,
  settlement: settlementAbi,
  challengeBook: challengeBookAbi,
  labels: serviceLabelsAbi,
  cashier: cashierAbi,
} as const;
