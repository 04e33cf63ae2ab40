import type { Address } from "viem";
import { abis } from "../../../src/protocol/abis.ts";

/** Address and ABI of each contract, for viem. */
export function contractsOf({ contracts }: { contracts: Record<keyof typeof abis, Address> }) {
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

export type Contracts = ReturnType<typeof contractsOf>;
