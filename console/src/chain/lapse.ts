import { epochAt } from "@protocol/epoch.ts";
import type { Sources } from "../context.tsx";
import { LAPSE_EPOCHS } from "./auditors.ts";

/** An auditor's distance from its lapse. */
export interface Lapse {
  /** Epochs with a seed that it has missed since its last reveal. */
  missed: number;
  /** The epoch from which anyone can lapse it, if it reveals nothing more and each epoch gets its seed. */
  lapsableFrom: number;
}

/** Counts as `AuditorRoster.lapse` does, from the newest seed back, in a bounded number of steps. */
export async function readLapse(
  { client, contracts, config }: Sources,
  lastSeen: number,
  current: number,
): Promise<Lapse> {
  const { proofOfService } = contracts;
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
    if (epochAt(config.deployment, Number(recordedAt)) < epoch + 2) inTime.push(epoch);
    epoch = previous;
  }
  const missed = inTime.filter((epoch) => epoch + 2 <= current).length;
  const left = LAPSE_EPOCHS + 1 - inTime.length;
  const decisive = inTime.toReversed()[LAPSE_EPOCHS];
  // Future epochs count as having a seed.
  const last = decisive ?? Math.max(newest, lastSeen) + left;
  return { missed, lapsableFrom: last + 2 };
}
