import { epochAt } from "../../protocol/epoch.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { contractsOf } from "./contracts.ts";

/** Epochs with a seed that an auditor may miss (`AuditorRoster.LAPSE_EPOCHS`). */
export const LAPSE_EPOCHS = 24;

/** An auditor's distance from its lapse. */
export interface LapseView {
  /** Epoch of its last reveal, or in which its last tip became usable. */
  lastSeen: number;
  /** Epochs with a seed that it has missed since. */
  missed: number;
  /** The epoch from which anyone can lapse it, if it reveals nothing more and each epoch gets its seed. */
  lapsableFrom: number;
}

/** Counts as `AuditorRoster.lapse` does, from the newest seed back, in a bounded number of steps. */
export async function readLapse(
  client: ChainClient,
  deployment: Deployment,
  input: { lastSeen: number; epoch: number },
): Promise<LapseView> {
  const { lastSeen, epoch: current } = input;
  const { proofOfService } = contractsOf(deployment);
  const newest = await client.readContract({ ...proofOfService, functionName: "newestSeed" });
  // Epochs with a timely seed, newest first; the newest two may not be over.
  const inTime: number[] = [];
  for (let epoch = newest; inTime.length < LAPSE_EPOCHS + 3 && epoch > lastSeen;) {
    const [seed, previous, , recordedAt] = await client.readContract({
      ...proofOfService,
      functionName: "seedOf",
      args: [epoch],
    });
    if (BigInt(seed) === 0n) break;
    if (epochAt(deployment, Number(recordedAt)) < epoch + 2) inTime.push(epoch);
    epoch = previous;
  }
  const missed = inTime.filter((epoch) => epoch + 2 <= current).length;
  const left = LAPSE_EPOCHS + 1 - inTime.length;
  const decisive = inTime.toReversed()[LAPSE_EPOCHS];
  // Future epochs count as having a seed.
  const last = decisive ?? Math.max(newest, lastSeen) + left;
  return { lastSeen, missed, lapsableFrom: last + 2 };
}
