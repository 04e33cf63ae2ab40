import { randomInt } from "node:crypto";
import type { Hex } from "viem";
import type { Timers } from "../node/timers.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { epochStart } from "../protocol/epoch.ts";
import type { ChainTime, Head } from "./clock.ts";
import type { Deployment } from "./deployment.ts";
import type { Seeds } from "./seeds.ts";
import type { Call } from "./transactions/call.ts";

/** Share of the epoch over which workers' ticks are spread at random, so that most find the seed recorded. */
const SPREAD = 0.25;

export interface TickDependencies {
  deployment: Deployment;
  seeds: Seeds;
  time: ChainTime;
  timers: Timers;
}

/** The call that records an epoch's seed. */
export interface Tick {
  epoch: number;
  seed: Hex;
  call: Call;
}

/**
 * Waits for the first block of an epoch to be confirmed, and then for this worker's turn.
 *
 * @returns The tick; undefined if another account was first.
 */
export async function tickInTurn(
  d: TickDependencies,
  epoch: number,
  signal: AbortSignal,
): Promise<Tick | undefined> {
  const { seeds, time } = d;
  const confirmedAt = await untilConfirmed(d, epoch, signal);
  // Counted from here, not from the epoch's start: on a slow chain that moment has passed for all workers.
  const spread = SPREAD * time.timing.epochSeconds;
  await time.until(confirmedAt + (spread * randomInt(1000)) / 1000, signal);
  return (await seeds.recorded(epoch)) ? undefined : tickOf(d, epoch, time.head());
}

/**
 * The tick of an epoch that has begun.
 *
 * @throws BlockcloudError `EPOCH_WITHOUT_BLOCK` as {@link Seeds.prove}.
 */
export async function tickOf(
  d: Pick<TickDependencies, "deployment" | "seeds">,
  epoch: number,
  head: Pick<Head, "number">,
): Promise<Tick> {
  const { firstHeader, parentHeader, seed } = await d.seeds.prove(epoch, head);
  const call = {
    address: d.deployment.contracts.proofOfService,
    abi: proofOfServiceAbi,
    functionName: "tick",
    args: [firstHeader, parentHeader],
  };
  return { epoch, seed, call };
}

/**
 * Waits until `confirmations` blocks are above the first block of an epoch; then its seed is
 * trusted.
 *
 * @returns The time of the last of these blocks, Unix seconds.
 */
export async function untilConfirmed(
  d: {
    seeds: Pick<Seeds, "firstBlock" | "timestamp">;
    deployment: Deployment;
    time: ChainTime;
    timers: Timers;
  },
  epoch: number,
  signal: AbortSignal,
): Promise<number> {
  const { seeds, deployment, time, timers } = d;
  const start = epochStart(time.timing, epoch);
  const pollMs = Math.min(1000, time.timing.epochSeconds * 10);
  await time.until(start, signal);
  while (time.head().timestamp < start) await timers.sleep(pollMs, signal);
  const first = await seeds.firstBlock(epoch, time.head());
  const block = first + BigInt(deployment.confirmations);
  while (time.head().number < block) await timers.sleep(pollMs, signal);
  return seeds.timestamp(block);
}
