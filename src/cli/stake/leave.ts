import type { Address } from "viem";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { proofOfServiceAbi } from "../../protocol/abi/proofOfService.ts";
import type { Values } from "../framework/flag.ts";
import type { BlocMoves, Step } from "../framework/plan.ts";
import { serviceState, settlement } from "../service/state.ts";
import { readStake, type roleFlags, type Stake } from "./role.ts";

/** The progress of a service or an auditor that leaves, read again for each step. */
export interface Leaving {
  readonly stake: Stake;
  /** Transactions that start it: payment of earned pay, and unbonding. */
  readonly start: readonly Step[];
  /**
   * Transactions that end it: payment of pay earned since, and the withdrawal; none before the stake is free.
   */
  readonly finish: readonly Step[];
  readonly startMoves: BlocMoves;
  readonly finishMoves: BlocMoves;
  /** When the last stake is free, Unix seconds; undefined if none is unbonding. */
  readonly freeAt: number | undefined;
}

/**
 * Reads the remaining steps for a service or an auditor to leave. All progress is on chain, so it can be
 * interrupted at any moment.
 */
export async function readLeaving(
  flags: Values<typeof roleFlags>,
  account: Address,
  chain: { client: ChainClient; deployment: Deployment },
): Promise<Leaving> {
  const { client, deployment } = chain;
  const [stake, owed, { timestamp }] = await Promise.all([
    readStake(flags, account, chain),
    flags.auditor !== undefined || flags.service === undefined
      ? uncollected(client, deployment, account)
      : servicePay(client, deployment, flags.service),
    client.getBlock(),
  ]);
  const mine = await ownStake(flags, account, stake, chain);
  const free = stake.unbonding.filter(({ releaseAt }) => releaseAt <= timestamp);
  const freed = free.reduce((sum, { amount }) => sum + amount, 0n);
  const last = stake.unbonding.at(-1);
  const pay = owed === undefined ? [] : [owed.step];
  return {
    stake,
    start: [...pay, ...(mine > 0n ? [stake.remove(mine)] : [])],
    startMoves: { received: owed?.reward ?? 0n, unbonding: mine },
    finish: [...pay, ...(freed > 0n ? [stake.withdraw()] : [])],
    finishMoves: { received: (owed?.reward ?? 0n) + freed },
    freeAt: last === undefined ? undefined : Number(last.releaseAt),
  };
}

/** The stake that this account can take out: a service's stake may belong to another account. */
async function ownStake(
  flags: Values<typeof roleFlags>,
  account: Address,
  stake: Stake,
  { client, deployment }: { client: ChainClient; deployment: Deployment },
): Promise<bigint> {
  if (flags.auditor !== undefined || flags.service === undefined) return stake.amount;
  const { staker } = await serviceState(client, deployment, flags.service);
  return staker === account ? stake.amount : 0n;
}

async function servicePay(client: ChainClient, deployment: Deployment, number: bigint) {
  const { epoch } = await serviceState(client, deployment, number);
  return settlement(client, deployment, number, epoch);
}

/** The transaction that pays out an auditor's claimed pay, if there is any. */
async function uncollected(
  client: ChainClient,
  deployment: Deployment,
  auditor: Address,
): Promise<{ step: Step; reward: bigint } | undefined> {
  const contract = {
    address: deployment.contracts.proofOfService,
    abi: proofOfServiceAbi,
  } as const;
  const args = [auditor] as const;
  const reward = await client.readContract({ ...contract, functionName: "earnedOf", args });
  if (reward === 0n) return undefined;
  return {
    step: { name: "collect the pay", call: { ...contract, functionName: "collect", args } },
    reward,
  };
}
