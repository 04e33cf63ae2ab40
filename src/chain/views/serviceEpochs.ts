import { CARRY_EPOCHS, providerPay } from "../../protocol/pay.ts";
import { placeOf } from "../../protocol/sortition.ts";
import { lanesOf, verdictOf, type Grade, type Verdict } from "../../protocol/tally.ts";
import type { ChainClient } from "../client.ts";
import type { Deployment } from "../deployment.ts";
import { serviceStatuses, type ServiceStatus } from "../services.ts";
import { contractsOf, numbers, readEach, type Moment } from "./contracts.ts";

/** Number of past epochs that the ring still holds: less than `RING`. */
export const KNOWN_EPOCHS = 250;

/** The chain's data of a service in an epoch. */
export interface ServiceEpoch {
  epoch: number;
  /** Whether its verdict is final. */
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

interface RawEpoch {
  epoch: number;
  status: ServiceStatus;
  seeded: boolean;
  counts: readonly number[];
  shardWeight: number;
  pay: (grade: Grade) => bigint;
}

/**
 * The newest epochs of a service, oldest first, up to the previous epoch, whose votes are still being revealed.
 *
 * @param input.last Number of epochs; at most `KNOWN_EPOCHS`.
 */
export async function readServiceEpochs(
  client: ChainClient,
  deployment: Deployment,
  input: { number: bigint; moment: Moment; last: number; settledThrough: number },
): Promise<ServiceEpoch[]> {
  const { number, moment } = input;
  const newest = moment.epoch - 1;
  const oldest = Math.max(1, newest - Math.min(input.last, KNOWN_EPOCHS) + 1);
  // A verdict may be carried into the oldest of them, too.
  const wanted = numbers(Math.max(1, oldest - CARRY_EPOCHS), newest);
  const slot = await client.readContract({
    ...contractsOf(deployment).registry,
    functionName: "slotOf",
    args: [number],
  });
  const raw = await readEach(wanted, (epoch) =>
    readEpoch(client, deployment, { number, slot, epoch }),
  );
  const verdicts = new Map(raw.map(({ epoch, counts }) => [epoch, verdictOf(counts)]));
  return raw
    .filter(({ epoch }) => epoch >= oldest)
    .map(({ epoch, status, seeded, counts, shardWeight, pay }) => {
      const final = epoch + 2 <= moment.epoch;
      const isPaid = seeded && status === "Active";
      const paidBy = isPaid ? carriedFrom(verdicts, epoch) : undefined;
      const paidGrade = paidBy === undefined ? null : (verdicts.get(paidBy) ?? null);
      return {
        epoch,
        final,
        status,
        seeded,
        counts,
        shardWeight,
        verdict: verdicts.get(epoch) ?? null,
        paidGrade,
        paidBy,
        pay: final ? (paidGrade === null ? 0n : pay(paidGrade)) : undefined,
        settled: epoch <= input.settledThrough,
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
  const candidates = numbers(Math.max(1, epoch - CARRY_EPOCHS), epoch).reverse();
  return candidates.find((candidate) => (verdicts.get(candidate) ?? null) !== null);
}

async function readEpoch(
  client: ChainClient,
  deployment: Deployment,
  { number, slot, epoch }: { number: bigint; slot: number; epoch: number },
): Promise<RawEpoch> {
  const { registry, staking, proofOfService, settlement } = contractsOf(deployment);
  // A service without a slot has not been active in any epoch of the ring.
  const { shard, lane } = placeOf(Math.max(slot, 1));
  const [status, [seed], tally, [, counted], [providersBudget, , total]] = await Promise.all([
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
    seeded: BigInt(seed) !== 0n,
    counts: isIts ? (lanesOf(tally)[lane] ?? []) : [0, 0, 0, 0],
    shardWeight: isIts ? Number((tally >> 240n) & 0xfn) : 0,
    pay: (grade) => (total === 0n ? 0n : providerPay(providersBudget, counted, total, grade)),
  };
}
