import type { Hex } from "viem";
import { RING } from "./epoch.ts";
import { CARRY_EPOCHS, providerPay } from "./pay.ts";
import { serviceStatus, type ServiceStatus } from "./serviceStatus.ts";
import { placeOf } from "./sortition.ts";
import { lanesOf, verdictOf, type Verdict } from "./tally.ts";

/** Number of past epochs that the ring still holds, whatever happens while they are read. */
export const KNOWN_EPOCHS = RING - 6;

/** What the contracts' views say of a service in an epoch. Amounts are BLOC in wei. */
export interface EpochViews {
  epoch: number;
  /** `statusAt`. */
  status: number;
  /** `seedOf`. */
  seed: Hex;
  /** `tallyOf` the shard of {@link placeInAudits}. */
  tally: bigint;
  /** `serviceStakeAt`: the part that counts. */
  counted: bigint;
  /** `budgetOf`: the providers' budget, and the stake of all active services. */
  budget: bigint;
  total: bigint;
}

/** A service in an epoch. */
export interface ServiceEpoch {
  epoch: number;
  /** Whether its votes are all revealed, and its verdict does not change any more. */
  final: boolean;
  status: ServiceStatus;
  /** Whether a seed was recorded: without one there are no audits. */
  seeded: boolean;
  /** Counted weight for FAILED, POOR, GOOD and EXCELLENT. */
  counts: readonly number[];
  /** Counted weight in the service's shard; at most 15. */
  shardWeight: number;
  /** Null without a quorum. */
  verdict: Verdict;
  /** The grade that decides the pay: the verdict, or the newest one of the epochs before. */
  paidGrade: Verdict;
  /** The epoch of the verdict `paidGrade`. */
  paidBy: number | undefined;
  /** The epoch's pay by the rules, BLOC in wei; undefined until it is final. */
  pay: bigint | undefined;
  settled: boolean;
}

/**
 * The epochs whose views are needed for the newest epochs of a service, oldest first, up to the previous epoch, whose
 * votes are still being revealed: a verdict may be carried into the oldest of them.
 *
 * @param last Number of epochs; at most `KNOWN_EPOCHS`.
 */
export function epochsToRead(current: number, last: number): { wanted: number[]; oldest: number } {
  const newest = current - 1;
  const oldest = Math.max(1, newest - Math.min(last, KNOWN_EPOCHS) + 1);
  const first = Math.max(1, oldest - CARRY_EPOCHS);
  const length = Math.max(0, newest - first + 1);
  return { wanted: Array.from({ length }, (_, index) => first + index), oldest };
}

/** The place of a service in the audits. One without a slot was not active in any epoch of the ring. */
export function placeInAudits(slot: number): { shard: number; lane: number } {
  return placeOf(Math.max(slot, 1));
}

/** A service by epoch, from the views of the epochs of {@link epochsToRead}. */
export function serviceEpochs(
  views: readonly EpochViews[],
  service: { slot: number; settledThrough: number; current: number; oldest: number },
): ServiceEpoch[] {
  const { slot, settledThrough, current, oldest } = service;
  const { lane } = placeInAudits(slot);
  const counted = views.map((view) => {
    const status = serviceStatus(view.status);
    // The slot's votes are about the service only if it was active.
    const isIts = slot !== 0 && status === "Active";
    return {
      ...view,
      status,
      counts: isIts ? (lanesOf(view.tally)[lane] ?? []) : [0, 0, 0, 0],
      shardWeight: isIts ? Number((view.tally >> 240n) & 0xfn) : 0,
    };
  });
  const verdicts = new Map(counted.map(({ epoch, counts }) => [epoch, verdictOf(counts)]));
  return counted
    .filter(({ epoch }) => epoch >= oldest)
    .map(({ epoch, status, seed, counts, shardWeight, counted: stake, budget, total }) => {
      const final = epoch + 2 <= current;
      const seeded = BigInt(seed) !== 0n;
      const paidBy = seeded && status === "Active" ? carriedFrom(verdicts, epoch) : undefined;
      const paidGrade = paidBy === undefined ? null : (verdicts.get(paidBy) ?? null);
      const pay =
        paidGrade === null || total === 0n ? 0n : providerPay(budget, stake, total, paidGrade);
      return {
        ...{ epoch, final, status, seeded, counts, shardWeight },
        verdict: verdicts.get(epoch) ?? null,
        ...{ paidGrade, paidBy },
        pay: final ? pay : undefined,
        settled: epoch <= settledThrough,
      };
    });
}

/** Number of consecutive newest final epochs in which an active service was FAILED. */
export function failedRun(epochs: readonly ServiceEpoch[]): number {
  const final = epochs.filter((epoch) => epoch.final);
  const broken = final.findLastIndex(({ status, verdict }) => status !== "Active" || verdict !== 0);
  return final.length - 1 - broken;
}

/** The epoch whose verdict decides an epoch's pay, by the rule of `Settlement`. */
function carriedFrom(verdicts: ReadonlyMap<number, Verdict>, epoch: number): number | undefined {
  const first = Math.max(1, epoch - CARRY_EPOCHS);
  for (let from = epoch; from >= first; from--) {
    if ((verdicts.get(from) ?? null) !== null) return from;
  }
  return undefined;
}
