import type { Address } from "viem";
import { abis } from "../../../src/protocol/abis.ts";

/** What the recount needs to know of a deployment: the deployment file has it. */
export interface VerifiedDeployment {
  chainId: number;
  /** First block that can contain an event of the contracts. */
  block: number;
  genesis: number;
  epochSeconds: number;
  contracts: Record<keyof typeof abis, Address>;
}

/** The contracts with their interfaces. */
export function contractsOf({ contracts }: VerifiedDeployment) {
  return {
    token: { address: contracts.token, abi: abis.token },
    rewardPool: { address: contracts.rewardPool, abi: abis.rewardPool },
    registry: { address: contracts.registry, abi: abis.registry },
    staking: { address: contracts.staking, abi: abis.staking },
    proofOfService: { address: contracts.proofOfService, abi: abis.proofOfService },
    settlement: { address: contracts.settlement, abi: abis.settlement },
    challengeBook: { address: contracts.challengeBook, abi: abis.challengeBook },
    labels: { address: contracts.labels, abi: abis.labels },
    cashier: { address: contracts.cashier, abi: abis.cashier },
  } as const;
}
export type VerifiedContracts = ReturnType<typeof contractsOf>;
