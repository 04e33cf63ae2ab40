import { formatEther } from "viem";
import { epochStart } from "../../protocol/epoch.ts";
import { failedRun, type ServiceEpoch } from "../../protocol/serviceEpochs.ts";
import { grades, QUORUM, type Grade } from "../../protocol/tally.ts";
import type { Deployment } from "../deployment.ts";
import { statusRemedies } from "../services.ts";
import type { Moment } from "./contracts.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { diagnoseProbe, type SelfProbe } from "./probeDiagnosis.ts";
import { auditedEndpoints, type RecordView } from "./recordView.ts";
import type { ServiceView } from "./serviceView.ts";

/** FAILED epochs in a row after which anyone may suspend (`ProofOfService.DOWN_EPOCHS`). */
const DOWN_EPOCHS = 8;

export interface DiagnosisInput {
  view: ServiceView;
  epochs: readonly ServiceEpoch[];
  moment: Moment;
  deployment: Deployment;
  /** The announcement on chain, if the view has a live record. */
  announced?: RecordView | undefined;
  /** The result of the service's own probe; undefined if it was not run. */
  probe: SelfProbe | undefined;
}

/** The reasons for a service's poor grades: first the current ones, then by epoch. */
export function diagnose(input: DiagnosisInput): Diagnosis[] {
  return [
    ...diagnoseStatus(input),
    ...diagnoseChallenge(input),
    ...diagnoseRecord(input),
    ...diagnoseProbe(input.view, input.probe),
    ...diagnoseRun(input),
    ...diagnoseEpochs(input),
  ];
}

function diagnoseStatus({ view, moment }: DiagnosisInput): Diagnosis[] {
  const { status, stake } = view;
  const found: Diagnosis[] = [];
  if (moment.epoch < view.firstEpoch) {
    found.push({
      code: "NOT_COUNTED_YET",
      severity: "notice",
      what: `The service counts from epoch ${view.firstEpoch} on.`,
      remedy: "Wait for that epoch.",
    });
  } else if (status.now !== "Active") {
    const isShort = status.now === "Unstaked";
    const minimum = view.class.minimumStake;
    found.push({
      code: `STATUS_${status.now.toUpperCase()}`,
      severity: "problem",
      what: isShort
        ? `The stake is ${formatEther(stake.now)} BLOC, but the class requires ${formatEther(minimum)}: not audited, not paid.`
        : `The service is ${status.now} in epoch ${moment.epoch}: not audited, not paid.`,
      remedy:
        status.next === "Active"
          ? `There is nothing to do: it is active from epoch ${moment.epoch + 1} on.`
          : statusRemedies[status.now],
    });
  }
  if (status.now === "Active" && status.next !== "Active") {
    found.push({
      code: `STATUS_${status.next.toUpperCase()}_NEXT`,
      severity: "notice",
      what: `The service is ${status.next} from epoch ${moment.epoch + 1} on.`,
      remedy: statusRemedies[status.next],
    });
  }
  return found;
}

function diagnoseChallenge({ view, moment, deployment }: DiagnosisInput): Diagnosis[] {
  const { challenge } = view;
  if (challenge === undefined) return [];
  const deadline = challenge.question?.deadline;
  const isLate = deadline !== undefined && moment.timestamp > deadline;
  const seed = epochStart(deployment, challenge.openedIn + 1);
  return [
    {
      code: isLate ? "CHALLENGE_LOST" : "CHALLENGE_OPEN",
      severity: "problem",
      what: isLate
        ? `Challenge ${challenge.id} was not answered by ${iso(deadline)}.`
        : `Challenge ${challenge.id} is open; ${
            deadline === undefined
              ? `its question comes with the first seed after ${iso(seed)}`
              : `the time to answer ends at ${iso(deadline)}`
          }.`,
      remedy: isLate
        ? "The slash cannot be stopped. Afterwards repair the agent and reinstate the service."
        : `Run the provider with the key ${challenge.key}, or answer by hand.`,
    },
  ];
}

function diagnoseRecord({ view, moment, announced }: DiagnosisInput): Diagnosis[] {
  const { state, record, signer } = view.record;
  const common = { severity: "problem" } as const;
  const remedy = "Run the provider: it announces its endpoint.";
  if (state === "none") {
    return [
      { ...common, code: "RECORD_NONE", what: "No endpoint record was found on chain.", remedy },
    ];
  }
  if (state === "foreign") {
    return [
      {
        ...common,
        code: "RECORD_WRONG_KEY",
        what: `Only records by other keys were found, the newest by ${signer ?? "an unreadable signature"}; the service's key is ${view.key.now}.`,
        remedy:
          "Run the provider with the service's key, or set the provider's key with setKey. A stranger's record does no harm.",
      },
    ];
  }
  if (record === undefined) return [];
  if (state === "expired") {
    const ended = Number(record.expiresAt) / 1000;
    return [
      {
        ...common,
        code: "RECORD_EXPIRED",
        what: `The lease of the endpoint record ended at ${iso(ended)}: auditors find no endpoint.`,
        remedy: "Run the provider: it renews the record every 12 hours. Check its wallet's ether.",
      },
    ];
  }
  if (auditedEndpoints(record).length === 0) {
    return [
      {
        ...common,
        code: "RECORD_NOT_AUDITED",
        what: "The record names no sal, https or http endpoint: auditors cast no vote.",
        remedy: "Announce one, with --endpoint of provider run.",
      },
    ];
  }
  if (view.record.source === "chain") return diagnoseLease(record.expiresAt, moment);
  // A live record is renewed twice a minute. Its announcement is for clients that reach no peer.
  return announced === undefined ? [] : diagnoseAnnouncement(announced, moment);
}

function diagnoseAnnouncement({ state, record }: RecordView, moment: Moment): Diagnosis[] {
  if (state === "current" && record !== undefined) return diagnoseLease(record.expiresAt, moment);
  const isExpired = state === "expired" && record !== undefined;
  return [
    {
      code: isExpired ? "RECORD_EXPIRED" : "RECORD_NONE",
      severity: "notice",
      what: isExpired
        ? `The record on chain ended at ${iso(Number(record.expiresAt) / 1000)}; the live one is valid.`
        : "The live record is valid, but the service's key has announced none on chain.",
      remedy: "Check that its wallet holds ether: the provider announces every 12 hours.",
    },
  ];
}

/** The lease of an announcement. */
function diagnoseLease(expiresAt: bigint, moment: Moment): Diagnosis[] {
  const left = Number(expiresAt) / 1000 - moment.timestamp;
  if (left > 3600) return [];
  const minutes = Math.round(left / 60);
  return [
    {
      code: "RECORD_ENDS_SOON",
      severity: "notice",
      what: `The lease of the record on chain ends in ${minutes} minute${minutes === 1 ? "" : "s"}.`,
      remedy: "Check that the provider runs and that its wallet holds ether.",
    },
  ];
}

function diagnoseRun({ epochs, moment }: DiagnosisInput): Diagnosis[] {
  const run = failedRun(epochs);
  if (run < 2) return [];
  return [
    {
      code: "FAILED_RUN",
      severity: "problem",
      what:
        run >= DOWN_EPOCHS
          ? `FAILED in the last ${run} final epochs: anyone can suspend the service.`
          : `FAILED in the last ${run} final epochs; after ${DOWN_EPOCHS} anyone can suspend the service.`,
      remedy: "Repair the service, or declare maintenance, which breaks the run.",
      epochs: Array.from({ length: run }, (_, index) => moment.epoch - 1 - run + index),
    },
  ];
}

/** The reason for an epoch's poor grade; epochs with the same reason are grouped. */
interface Shortfall {
  code: string;
  what: (counts: readonly number[]) => string;
  remedy: string;
}

/** Groups of epochs with poor grades for the same reason. */
function diagnoseEpochs({ epochs, view }: DiagnosisInput): Diagnosis[] {
  const groups = new Map<string, { reason: Shortfall; epochs: ServiceEpoch[] }>();
  for (const epoch of epochs) {
    const reason = epoch.epoch < view.firstEpoch ? undefined : shortfall(epoch);
    if (reason === undefined) continue;
    const key = `${reason.code} ${epoch.paidGrade ?? ""}`;
    const known = groups.get(key);
    if (known) known.epochs.push(epoch);
    else groups.set(key, { reason, epochs: [epoch] });
  }
  return [...groups.values()].map(({ reason: { code, what, remedy }, epochs: same }) => ({
    code,
    severity: "notice",
    what: what(sum(same.map(({ counts }) => counts))),
    remedy,
    epochs: same.map(({ epoch }) => epoch),
  }));
}

function shortfall(epoch: ServiceEpoch): Shortfall | undefined {
  const { status, seeded, verdict, final, paidGrade } = epoch;
  if (status !== "Active") {
    return {
      code: `EPOCH_${status.toUpperCase()}`,
      what: () => `The service was ${status}.`,
      remedy: "Epochs in which it is not active are not audited and not paid.",
    };
  }
  if (!final) return undefined;
  if (!seeded) {
    return {
      code: "EPOCH_WITHOUT_SEED",
      what: () => "The epoch's seed was not recorded, so there were no audits.",
      remedy: "Run a keeper: blockcloud keeper run proves each epoch's seed.",
    };
  }
  if (verdict === null) {
    const pay =
      paidGrade === null ? "not paid" : `paid by an earlier verdict, ${grades[paidGrade]}`;
    return {
      code: "EPOCH_WITHOUT_QUORUM",
      what: () => `Too few votes (a weight below ${QUORUM}): ${pay}.`,
      remedy: "The provider can do nothing: the draw or absent auditors are the cause.",
    };
  }
  if (verdict === 3) return undefined;
  return {
    code: `EPOCH_${grades[verdict]}`,
    what: (counts) => `Auditors graded it ${grades[verdict]}: ${describeCounts(counts)} by weight.`,
    remedy:
      verdict === 0
        ? "Its response did not match the probe, had no receipt, or was too late."
        : "Its response was slow: see the bounds of its class.",
  };
}

function sum(counts: readonly (readonly number[])[]): number[] {
  return grades.map((_, grade) => counts.reduce((total, each) => total + (each[grade] ?? 0), 0));
}

/** Weights by grade, best first, zeros left out: `5 EXCELLENT, 1 FAILED`. */
export function describeCounts(counts: readonly number[]): string {
  const parts = counts
    .map((count, grade) => ({ count, grade: grade as Grade }))
    .filter(({ count }) => count > 0)
    .reverse()
    .map(({ count, grade }) => `${count} ${grades[grade]}`);
  return parts.length === 0 ? "no votes" : parts.join(", ");
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
