import type { Address } from "viem";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { describeRevert } from "../../chain/transactions/revert.ts";
import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { settlementAbi } from "../../protocol/abi/settlement.ts";
import { stakingAbi } from "../../protocol/abi/staking.ts";
import { HORIZON } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { serviceStatus, type ServiceStatus } from "../../protocol/serviceStatus.ts";
import type { Step } from "../framework/plan.ts";
import { revertOf, withRemedy } from "../framework/remedies.ts";

/** The newest state of a service, which counts two epochs later. */
export interface ServiceState {
  readonly owner: Address;
  readonly status: ServiceStatus;
  readonly key: Address;
  readonly stake: bigint;
  /** Undefined after a transfer or retirement, until the owner stakes. */
  readonly staker: Address | undefined;
  readonly minimumStake: bigint;
  /** The current epoch. */
  readonly epoch: number;
}

/**
 * Reads a service.
 *
 * @throws BlockcloudError `SERVICE_UNKNOWN`.
 */
export async function serviceState(
  client: ChainClient,
  deployment: Deployment,
  number: bigint,
): Promise<ServiceState> {
  const registry = { address: deployment.contracts.registry, abi: serviceRegistryAbi } as const;
  const staking = { address: deployment.contracts.staking, abi: stakingAbi } as const;
  const [count, epoch] = await Promise.all([
    client.readContract({ ...registry, functionName: "serviceCount" }),
    client.readContract({ ...registry, functionName: "currentEpoch" }),
  ]);
  if (number > count) {
    throw new BlockcloudError("SERVICE_UNKNOWN", `There is no service ${number}.`, {
      remedy: `Give --service a number from 1 to ${count}.`,
    });
  }
  const args = [number] as const;
  const [owner, status, key, staker, [stake], classId] = await Promise.all([
    client.readContract({ ...registry, functionName: "ownerOf", args }).catch((cause: unknown) => {
      throw withRemedy(describeRevert("ownerOf", cause));
    }),
    client.readContract({ ...registry, functionName: "statusNow", args }),
    client.readContract({ ...registry, functionName: "keyAt", args: [number, epoch + HORIZON] }),
    client.readContract({ ...staking, functionName: "stakerOf", args }),
    client.readContract({
      ...staking,
      functionName: "serviceStakeAt",
      args: [number, epoch + HORIZON],
    }),
    client.readContract({ ...registry, functionName: "classOf", args }),
  ]);
  const { minimumStake } = await client.readContract({
    ...registry,
    functionName: "classAt",
    args: [classId],
  });
  return {
    owner,
    status: serviceStatus(status),
    key,
    stake,
    staker: BigInt(staker) === 0n ? undefined : staker,
    minimumStake,
    epoch,
  };
}

/**
 * The transaction that pays a service for all final epochs, if any pay is due.
 *
 * @returns The step and the pay, BLOC in wei; undefined if no pay is due.
 */
export async function settlement(
  client: ChainClient,
  deployment: Deployment,
  number: bigint,
  epoch: number,
): Promise<{ step: Step; reward: bigint } | undefined> {
  if (epoch < 2) return undefined;
  const call = {
    address: deployment.contracts.settlement,
    abi: settlementAbi,
    functionName: "settle",
    args: [number, epoch - 2],
  } as const;
  try {
    const { result: reward } = await client.simulateContract(call);
    if (reward === 0n) return undefined;
    return { step: { name: `settle the pay up to epoch ${epoch - 2}`, call }, reward };
  } catch (cause) {
    // In the first epochs of a chain, or if a block has begun a new epoch meanwhile, there is nothing to settle.
    if (revertOf(cause)?.name === "SettlementNotFinal") return undefined;
    throw describeRevert("settle", cause);
  }
}
