import { RING } from "@protocol/epoch.ts";
import { providerPay } from "@protocol/pay.ts";
import { placeOf } from "@protocol/sortition.ts";
import { lanesOf, verdictOf, type Verdict } from "@protocol/tally.ts";
import type { Sources } from "../context.tsx";
import { serviceStatuses, type ServiceStatus } from "../model.ts";
import type { Head } from "./head.ts";
import type { ServiceDetail } from "./service.ts";
import { Memory } from "./memory.ts";

/** Epochs whose verdict may replace a missing one (`Settlement.CARRY_EPOCHS`). */
const CARRY_EPOCHS = 4;
/** The ring holds fewer past epochs than it has entries. */
export const KNOWN_EPOCHS = RING - 6;

/** A service in an epoch. */
export interface ServiceEpoch {
  epoch: number;
  /** Whether its votes are all revealed. */
  isFinal: boolean;
  /** Undefined from the index. */
  status: ServiceStatus | undefined;
  isSeeded: boolean;
  /** Counted weight for FAILED, POOR, GOOD and EXCELLENT. */
  counts: readonly number[];
  verdict: Verdict;
  /** The grade that decides the pay: the verdict, or the newest one of the four epochs before. */
  paidGrade: Verdict;
  /** BLOC in wei; undefined until it is final. */
  pay: bigint | undefined;
  isSettled: boolean;
}

interface RawEpoch {
  epoch: number;
  status: ServiceStatus;
  isSeeded: boolean;
  counts: readonly number[];
  payOf: (grade: 0 | 1 | 2 | 3) => bigint;
}

const memories = new WeakMap<Sources, Memory<RawEpoch>>();

/** The newest epochs of a service from the chain's ring, oldest first, up to the previous one. */
export async function readServiceEpochs(
  sources: Sources,
  head: Head,
  service: Pick<ServiceDetail, "number" | "slot" | "settledThrough">,
  last: number,
): Promise<ServiceEpoch[]> {
  const newest = head.epoch - 1;
  const oldest = Math.max(1, newest - Math.min(last, KNOWN_EPOCHS) + 1);
  const wanted: number[] = [];
  // A verdict may be carried into the oldest of them, too.
  for (let epoch = Math.max(1, oldest - CARRY_EPOCHS); epoch <= newest; epoch++) wanted.push(epoch);
  const memory = memories.get(sources) ?? new Memory();
  memories.set(sources, memory);
  const raw = await Promise.all(
    wanted.map((epoch) => {
      const read = () => readEpoch(sources, service, epoch);
      const key = `${service.number}/${service.slot}/${epoch}`;
      return epoch + 2 <= head.epoch ? memory.get(key, read) : read();
    }),
  );
  const verdicts = new Map(raw.map(({ epoch, counts }) => [epoch, verdictOf(counts)]));
  return raw
    .filter(({ epoch }) => epoch >= oldest)
    .map(({ epoch, status, isSeeded, counts, payOf }) => {
      const isFinal = epoch + 2 <= head.epoch;
      const paidGrade = isSeeded && status === "Active" ? carried(verdicts, epoch) : null;
      return {
        epoch,
        isFinal,
        status,
        isSeeded,
        counts,
        verdict: verdicts.get(epoch) ?? null,
        paidGrade,
        pay: isFinal ? (paidGrade === null ? 0n : payOf(paidGrade)) : undefined,
        isSettled: epoch <= service.settledThrough,
      };
    });
}

/** The grade that decides an epoch's pay, by the rule of `Settlement`. */
function carried(verdicts: ReadonlyMap<number, Verdict>, epoch: number): Verdict {
  for (let from = epoch; from >= epoch - CARRY_EPOCHS; from--) {
    const verdict = verdicts.get(from) ?? null;
    if (verdict !== null) return verdict;
  }
  return null;
}

async function readEpoch(
  { client, contracts }: Sources,
  { number, slot }: Pick<ServiceDetail, "number" | "slot">,
  epoch: number,
): Promise<RawEpoch> {
  const { registry, staking, proofOfService, settlement } = contracts;
  // A service without a slot has not been active in any epoch of the ring.
  const { shard, lane } = placeOf(Math.max(slot, 1));
  const [status, [seed], tally, [, counted], [budget, , total]] = await Promise.all([
    client.readContract({ ...registry, functionName: "statusAt", args: [number, epoch] }),
    client.readContract({ ...proofOfService, functionName: "seedOf", args: [epoch] }),
    client.readContract({
      ...proofOfService,
      functionName: "tallyOf",
      args: [BigInt(shard), epoch],
    }),
    client.readContract({ ...staking, functionName: "serviceStakeAt", args: [number, epoch] }),
    client.readContract({ ...settlement, functionName: "budgetOf", args: [epoch] }),
  ]);
  const name = serviceStatuses[status] ?? "None";
  // The slot's votes are about the service only if it was active.
  const isIts = slot !== 0 && name === "Active";
  return {
    epoch,
    status: name,
    isSeeded: BigInt(seed) !== 0n,
    counts: isIts ? (lanesOf(tally)[lane] ?? [0, 0, 0, 0]) : [0, 0, 0, 0],
    payOf: (grade) => (total === 0n ? 0n : providerPay(budget, counted, total, grade)),
  };
}
