import { keccak256, toHex, type Hex } from "viem";
import { blocTokenAbi } from "./abi/blocToken.ts";
import { challengeBookAbi } from "./abi/challengeBook.ts";
import { proofOfServiceAbi } from "./abi/proofOfService.ts";
import { rewardPoolAbi } from "./abi/rewardPool.ts";
import { serviceRegistryAbi } from "./abi/serviceRegistry.ts";
import { stakingAbi } from "./abi/staking.ts";

/**
 * Names the contracts' interfaces that this version speaks: keccak256 of their ABIs as JSON, in a fixed
 * order. A deployment file holds that of its contracts.
 */
export function abiHash(): Hex {
  const abis = [
    blocTokenAbi,
    rewardPoolAbi,
    serviceRegistryAbi,
    stakingAbi,
    proofOfServiceAbi,
    challengeBookAbi,
  ];
  return keccak256(toHex(JSON.stringify(abis)));
}
