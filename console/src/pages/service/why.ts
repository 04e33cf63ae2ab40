import { gradeWord, milliseconds } from "../../format.ts";
import type { ServiceClass, ServiceEpochRow } from "../../model.ts";

/** Why a service got less than the best grade in an epoch, and what helps. */
export interface Reason {
  what: string;
  remedy: string;
}

/** Whether there could be a verdict: only an active service is audited. The index does not say it of old epochs. */
export function wasAudited({ status }: ServiceEpochRow): boolean {
  return status === undefined || status === "Active";
}

/** The reason, by the rules of docs/protocol.md; undefined for an epoch with the best grade, or not final yet. */
export function reasonOf(epoch: ServiceEpochRow, kind: ServiceClass): Reason | undefined {
  const { status, final, seeded, counts, verdict, paidGrade } = epoch;
  if (status !== undefined && !wasAudited(epoch)) {
    return {
      what: `The service was ${status}: it was neither audited nor paid.`,
      remedy: "Only an active service is audited.",
    };
  }
  if (!final || verdict === 3) return undefined;
  if (!seeded) {
    return {
      what: "The epoch's seed was not recorded, so there were no audits.",
      remedy: "A keeper records seeds: blockcloud keeper run.",
    };
  }
  if (verdict === null) {
    const pay =
      paidGrade === null ? "not paid" : `paid by an earlier verdict, ${gradeWord(paidGrade)}`;
    return {
      what: counts.some((count) => count > 0)
        ? `The votes that counted had a weight below 3: ${pay}.`
        : `No vote on the service counted: ${pay}.`,
      remedy: "The draw or absent auditors are the cause; the provider can do nothing.",
    };
  }
  if (verdict === 0) {
    return {
      what: `At least half of the weight found that the answer did not match the probe, had no receipt of the service's key, or took more than ${milliseconds(kind.poorMs)}.`,
      remedy:
        "Call the service with its probe, from here or by service show, and look at the provider's log.",
    };
  }
  const [above, below] =
    verdict === 1 ? [kind.goodMs, kind.poorMs] : [kind.excellentMs, kind.goodMs];
  return {
    what: `The answers were right, and slow: the median took between ${milliseconds(above)} and ${milliseconds(below)}.`,
    remedy: "A gateway nearer to its users, or a faster upstream, answers sooner.",
  };
}

/** Weights by grade, best first, without zeros. */
export function weights(counts: readonly number[]): string {
  const names = ["failed", "poor", "good", "excellent"];
  const parts = counts.flatMap((count, grade) =>
    count > 0 ? [`${count} ${names[grade] ?? ""}`] : [],
  );
  return parts.length === 0 ? "no votes" : parts.reverse().join(", ");
}
