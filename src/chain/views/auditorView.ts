import type { Address } from "viem";
import { HORIZON } from "../../protocol/epoch.ts";
import { HASH_CHAIN_LENGTH } from "../../protocol/hashChain.ts";
import { expectedWeight } from "../../protocol/sortition.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { contractsOf, type Moment } from "./contracts.ts";
import { readLapse, type LapseView } from "./lapse.ts";
import type { NowAndNext, Unbonding } from "./serviceView.ts";

/** The chain's data of an auditor. Amounts are BLOC in wei unless stated otherwise. */
export interface AuditorView {
  auditor: Address;
  /** The key that commits; undefined for one that never enrolled. */
  operator: Address | undefined;
  /** The operator's ether, wei; undefined without one. */
  operatorBalance: bigint | undefined;
  /** The stake, counted or not. */
  stake: bigint;
  /** The counted stake; 0 unless enrolled. */
  counted: NowAndNext<bigint>;
  /** Stake of all enrolled auditors in the current epoch. */
  total: bigint;
  /** Expected weight in each shard. */
  expectedWeight: number;
  /** First epoch in which it counts since its last enrolment; 0 if not enrolled. */
  enrolledSince: number;
  unbonding: readonly Unbonding[];
  /** Claimed pay that is not collected. */
  earned: bigint;
  chain: {
    /** First epoch of a pending tip; undefined for none. */
    pendingSince: number | undefined;
    /** Lower bound of the epochs for which the hash chain has secrets: later tips are not searched. */
    epochsLeft: number | undefined;
  };
  lapse: LapseView | undefined;
}

/** Reads an auditor; one that never enrolled has zeros. */
export async function readAuditorView(
  client: ChainClient,
  deployment: Deployment,
  input: { auditor: Address; moment: Moment },
): Promise<AuditorView> {
  const { auditor, moment } = input;
  const { staking, proofOfService } = contractsOf(deployment);
  const at = (epoch: number) =>
    client.readContract({ ...staking, functionName: "auditorStakeAt", args: [auditor, epoch] });
  const args = [auditor] as const;
  const [[stake, enrolledSince], now, next, [, , total], unbonding, state, earned] =
    await Promise.all([
      client.readContract({ ...staking, functionName: "auditorStake", args }),
      at(moment.epoch),
      at(moment.epoch + HORIZON),
      client.readContract({ ...staking, functionName: "totalsAt", args: [moment.epoch] }),
      client.readContract({ ...staking, functionName: "auditorUnbonding", args }),
      client.readContract({ ...proofOfService, functionName: "auditorOf", args }),
      client.readContract({ ...proofOfService, functionName: "earnedOf", args }),
    ]);
  const [operator, , elementEpoch, , pendingSince] = state;
  const hasOperator = BigInt(operator) !== 0n;
  const anchor = anchorOf({ elementEpoch, pendingSince, enrolledSince }, moment.epoch);
  const lastSeen = Math.max(elementEpoch, pendingSince);
  return {
    auditor,
    operator: hasOperator ? operator : undefined,
    operatorBalance: hasOperator ? await client.getBalance({ address: operator }) : undefined,
    stake,
    counted: { now, next },
    total,
    expectedWeight: total === 0n ? 0 : Number(expectedWeight(now, total)) / 2 ** 64,
    enrolledSince,
    unbonding: unbonding.map(({ amount, releaseAt }) => ({ amount, releaseAt: Number(releaseAt) })),
    earned,
    chain: {
      pendingSince: pendingSince > moment.epoch ? pendingSince : undefined,
      epochsLeft:
        anchor === undefined ? undefined : Math.max(0, HASH_CHAIN_LENGTH - (moment.epoch - anchor)),
    },
    lapse:
      enrolledSince === 0
        ? undefined
        : await readLapse(client, deployment, { lastSeen, epoch: moment.epoch }),
  };
}

/** The epoch of the tip or an earlier one: an enrolled auditor may renew its hash chain. */
function anchorOf(
  state: { elementEpoch: number; pendingSince: number; enrolledSince: number },
  epoch: number,
): number | undefined {
  const { elementEpoch, pendingSince, enrolledSince } = state;
  if (pendingSince !== 0 && pendingSince <= epoch) return pendingSince - 1;
  if (elementEpoch === 0 || enrolledSince === 0) return undefined;
  return Math.min(enrolledSince - 1, elementEpoch);
}
