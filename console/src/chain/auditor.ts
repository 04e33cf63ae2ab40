import type { Address } from "viem";
import { HORIZON } from "@protocol/epoch.ts";
import { expectedWeight } from "@protocol/sortition.ts";
import type { Sources } from "../context.tsx";
import type { Head } from "./head.ts";
import { readLapse, type Lapse } from "./lapse.ts";

/** The chain's data of an auditor. Amounts are BLOC in wei. */
export interface AuditorDetail {
  auditor: Address;
  operator: Address | undefined;
  /** The operator's ether, wei. */
  operatorBalance: bigint | undefined;
  stake: bigint;
  countedNow: bigint;
  countedNext: bigint;
  /** Expected weight in each shard. */
  weight: number;
  /** Share of all enrolled stake, 0 to 1. */
  share: number;
  /** 0 if it is not enrolled. */
  enrolledSince: number;
  uncollected: bigint;
  unbonding: readonly { amount: bigint; releaseAt: number }[];
  lapse: Lapse | undefined;
}

/** Reads an auditor; one that never enrolled has zeros. */
export async function readAuditor(
  sources: Sources,
  head: Head,
  auditor: Address,
): Promise<AuditorDetail> {
  const { client, contracts } = sources;
  const { staking, proofOfService } = contracts;
  const args = [auditor] as const;
  const stakeAt = (epoch: number) =>
    client.readContract({ ...staking, functionName: "auditorStakeAt", args: [auditor, epoch] });
  const [
    [stake, enrolledSince],
    countedNow,
    countedNext,
    [, , total],
    unbonding,
    state,
    uncollected,
  ] = await Promise.all([
    client.readContract({ ...staking, functionName: "auditorStake", args }),
    stakeAt(head.epoch),
    stakeAt(head.epoch + HORIZON),
    client.readContract({ ...staking, functionName: "totalsAt", args: [head.epoch] }),
    client.readContract({ ...staking, functionName: "auditorUnbonding", args }),
    client.readContract({ ...proofOfService, functionName: "auditorOf", args }),
    client.readContract({ ...proofOfService, functionName: "earnedOf", args }),
  ]);
  const [operator, , elementEpoch, , pendingSince] = state;
  const hasOperator = BigInt(operator) !== 0n;
  const lastSeen = Math.max(elementEpoch, pendingSince);
  const [operatorBalance, lapse] = await Promise.all([
    hasOperator ? client.getBalance({ address: operator }) : undefined,
    enrolledSince === 0 ? undefined : readLapse(sources, lastSeen, head.epoch),
  ]);
  return {
    auditor,
    operator: hasOperator ? operator : undefined,
    operatorBalance,
    stake,
    countedNow,
    countedNext,
    weight: total === 0n ? 0 : Number(expectedWeight(countedNow, total)) / 2 ** 64,
    share: total === 0n ? 0 : Number((countedNow * 10_000n) / total) / 10_000,
    enrolledSince,
    uncollected,
    unbonding: unbonding.map(({ amount, releaseAt }) => ({ amount, releaseAt: Number(releaseAt) })),
    lapse,
  };
}
