import type { Address } from "viem";
import type { Verdict } from "../src/protocol/tally.ts";
import type { Findings } from "./findings.ts";
import type { RoundState } from "./monitor.ts";
import type { DemoDownload } from "./download.ts";
import type { DemoMove } from "./move.ts";
import type { DemoRelayLoss } from "./relays.ts";
import type { DemoPaying } from "./paying.ts";

/** A failed self-check of the demo. */
export interface DemoReason {
  check:
    | "EPOCHS_AUDITED"
    | "HEALTHY_SERVICE_PAID_IN_FULL"
    | "FAULTY_SERVICE_PAID_LESS"
    | "AUDITOR_EARNED"
    | "SERVICE_MOVED_WITHOUT_TRANSACTION"
    | "DOWNLOAD_WHOLE"
    | "RELAY_LOST_WITHOUT_LOSS"
    | "BOOKS_ADD_UP"
    | "REQUESTS_ANSWERED";
  /** The service concerned. */
  service?: number;
  /** The auditor concerned. */
  auditor?: Address;
  /** The epoch; null if the reason is about the whole run. */
  epoch: number | null;
  /** The explanation from chain and logs. */
  why: string;
}

/** The state of a service in an epoch on chain. */
export interface ServiceEpoch {
  epoch: number;
  hasSeed: boolean;
  /** Undefined while the epoch is not settled. */
  reward: bigint | undefined;
  /** The pay for the best verdict. */
  full: bigint;
  verdict: Verdict;
  /** Number of auditors that revealed votes. */
  voted: number;
  auditors: number;
}

/** A faulty service must stay below this share of the full pay, in percent. */
const VISIBLY_LESS = 80n;
const grades = ["FAILED", "POOR", "GOOD", "EXCELLENT"] as const;

/** The reasons by epoch why a healthy service was not paid in full; empty if it was. */
export function whyNotInFull(
  service: bigint,
  epochs: readonly ServiceEpoch[],
  findings: Pick<Findings, "inspections">,
): DemoReason[] {
  return epochs.flatMap((each) => {
    if (each.full > 0n && each.reward === each.full) return [];
    const { epoch } = each;
    const why = whyLess(each, service, findings);
    return { check: "HEALTHY_SERVICE_PAID_IN_FULL", service: Number(service), epoch, why };
  });
}

function whyLess(
  { epoch, hasSeed, reward, full, verdict, voted, auditors }: ServiceEpoch,
  service: bigint,
  findings: Pick<Findings, "inspections">,
): string {
  if (!hasSeed) return "The epoch has no seed: it was not proved in time.";
  if (verdict === null) return `No quorum: only ${voted} of ${auditors} auditors revealed votes.`;
  if (reward === undefined) return "The epoch was not settled by the end of the run.";
  if (verdict === 3) return `Paid ${reward} of ${full} wei though EXCELLENT.`;
  const measured = findings
    .inspections(service, epoch)
    .map(({ auditor, grade, milliseconds, reasons }) =>
      [
        `${auditor} found ${grades[grade] ?? grade} in ${milliseconds.join(", ")} ms`,
        ...new Set(reasons),
      ].join(": "),
    );
  return `${grades[verdict]} instead of EXCELLENT. ${measured.join("; ")}`.trim();
}

/** The reason why a faulty service was not paid visibly less; empty if it was. */
export function whyNotLess(service: bigint, epochs: readonly ServiceEpoch[]): DemoReason[] {
  const reward = epochs.reduce((sum, each) => sum + (each.reward ?? 0n), 0n);
  const full = epochs.reduce((sum, each) => sum + each.full, 0n);
  if (reward * 100n <= full * VISIBLY_LESS) return [];
  const verdicts = epochs
    .map(({ epoch, verdict }) => `${epoch} ${verdict === null ? "no quorum" : grades[verdict]}`)
    .join(", ");
  const why = `Paid ${reward} of ${full} wei, more than ${VISIBLY_LESS}%. By epoch: ${verdicts}.`;
  return [{ check: "FAULTY_SERVICE_PAID_LESS", service: Number(service), epoch: null, why }];
}

/** The reasons by epoch why an auditor earned nothing; empty if it earned. */
export function whyNotEarned(
  auditor: Address,
  rounds: readonly (RoundState & { epoch: number })[],
  findings: Pick<Findings, "lastSaid">,
): DemoReason[] {
  if (rounds.some(({ reward }) => reward > 0n)) return [];
  return rounds.map(({ epoch, ...round }) => {
    const said = findings.lastSaid(auditor, epoch);
    const log = said === undefined ? "Its log says nothing of it." : `Its log last says: ${said}.`;
    return { check: "AUDITOR_EARNED", auditor, epoch, why: `${whyUnpaid(round)} ${log}` };
  });
}

function whyUnpaid({ committed, revealed, votes, claimed, paidVotes }: RoundState): string {
  if (!committed) return "It did not commit.";
  if (!revealed) return "It committed, and did not reveal.";
  if (votes === 0) return "It revealed a round without a vote.";
  if (!claimed) return `It revealed ${votes} votes, and did not claim.`;
  return `It claimed, and ${paidVotes} of ${votes} votes were paid.`;
}

/** The reason why a move does not count; empty if it does. */
export function whyNotMoved(move: DemoMove | undefined): DemoReason[] {
  if (move?.announcements === 0) return [];
  const why =
    move === undefined
      ? "The run ended before the service moved."
      : `The move was announced on chain by ${move.announcements} transactions.`;
  return [{ check: "SERVICE_MOVED_WITHOUT_TRANSACTION", service: 1, epoch: null, why }];
}

/** The reason why a download does not count; empty if it does. */
export function whyNotWhole(download: DemoDownload | undefined): DemoReason[] {
  if (download?.isWhole === true && download.from !== download.to) return [];
  const why =
    download === undefined
      ? "The run ended before the download did."
      : download.isWhole
        ? `It did not move: it was at ${download.from} all the time.`
        : `What came is not what was sent: ${download.bytes} bytes, SHA-256 ${download.sha256}.`;
  return [{ check: "DOWNLOAD_WHOLE", service: 1, epoch: null, why }];
}

/** The reason why the loss of a relay does not count; empty if it does. */
export function whyNotOverAnotherRelay(loss: DemoRelayLoss | undefined): DemoReason[] {
  if (loss?.isWhole === true && loss.from !== loss.to) return [];
  const why =
    loss === undefined
      ? "The run ended before a relay was killed."
      : `From ${loss.from} to ${loss.to}: ${loss.bytes} bytes, SHA-256 ${loss.sha256}, are not what was sent.`;
  return [{ check: "RELAY_LOST_WITHOUT_LOSS", service: 3, epoch: null, why }];
}

/** The reasons why the books of the paying user do not add up; empty if they do. */
export function whyNotAddedUp(paying: DemoPaying | undefined): DemoReason[] {
  const reason = (why: string): DemoReason => ({
    check: "BOOKS_ADD_UP",
    service: 1,
    epoch: null,
    why,
  });
  if (paying === undefined) return [reason("The run ended before the user did.")];
  const { signed, redeemed, paidOut, burned, contributed, differences } = paying;
  const fee = BigInt(burned) + BigInt(contributed);
  return [
    ...(BigInt(signed) > 0n ? [] : [reason("The user has paid nothing.")]),
    ...(signed === redeemed
      ? []
      : [reason(`The user signed ${signed} wei, and ${redeemed} were redeemed.`)]),
    ...(BigInt(redeemed) === BigInt(paidOut) + fee
      ? []
      : [reason(`Of ${redeemed} wei, ${paidOut} were paid out, and ${fee} are the fee.`)]),
    ...differences.map(reason),
  ];
}

/** One request in so many may fail: the service moves, and the user asks before its first record is known. */
const FAILING_PART = 4;

/** The reason why too many requests of the paying user failed; empty if they did not. */
export function whyNotAnswered(paying: DemoPaying | undefined): DemoReason[] {
  if (paying === undefined) return [];
  const { requests, failures, lastFailure } = paying;
  if (requests > 0 && failures * FAILING_PART <= requests + failures) return [];
  const last = lastFailure === null ? "" : ` The last one failed because: ${lastFailure}`;
  const why = `Of ${requests + failures} requests of the user ${failures} failed.${last}`;
  return [{ check: "REQUESTS_ANSWERED", service: 1, epoch: null, why }];
}
