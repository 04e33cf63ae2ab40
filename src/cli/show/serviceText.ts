import { isAddressEqual } from "viem";
import { describeCounts } from "../../chain/views/diagnose.ts";
import type { Diagnosis } from "../../chain/views/diagnosis.ts";
import type { Moment } from "../../chain/views/contracts.ts";
import type { RecordView } from "../../chain/views/recordView.ts";
import type { NowAndNext, ServiceView } from "../../chain/views/serviceView.ts";
import { requestLine } from "../../protocol/probe.ts";
import type { ServiceEpoch } from "../../protocol/serviceEpochs.ts";
import { grades } from "../../protocol/tally.ts";
import { duration } from "../framework/wait.ts";
import { amount, epochRanges, facts, table, utc } from "./format.ts";
import type { ServiceReport } from "./serviceReport.ts";

/** Formats the full report on a service for a terminal. */
export function showText(report: ServiceReport): string {
  const { view, moment } = report;
  const { label } = view;
  return [
    `service ${view.number}${label === undefined ? "" : `, label ${label}`}, in epoch ${moment.epoch}`,
    facts([
      ["ID", view.id],
      ["owner", view.owner],
      ["payout", isAddressEqual(view.payout, view.owner) ? undefined : view.payout],
      ["class", classText(view)],
      ["status", changing(view.status, moment.epoch, (status) => status)],
      ["key", changing(view.key, moment.epoch, (key) => key)],
      ["stake", stakeText(view, moment.epoch)],
      ...view.unbonding.map(
        ({ amount: wei, releaseAt }) =>
          ["unbonding", `${amount(wei)} BLOC, free at ${utc(releaseAt)}`] as const,
      ),
      ["description", view.metadata],
      ["probe", probeText(view)],
      ...endpointFacts(report),
      ["challenge", challengeText(view)],
      ["settled", `through epoch ${view.settledThrough}`],
    ]),
    "",
    epochsText(report.epochs),
    "",
    selfProbeText(report),
    diagnosisText(report.diagnosis),
  ].join("\n");
}

/**
 * Formats a short report for the service's operator.
 *
 * @param more Further rows.
 */
export function statusText(
  report: ServiceReport,
  more: readonly (readonly [string, string])[] = [],
): string {
  const { view, moment, epochs } = report;
  const open = epochs.filter(({ settled, pay }) => !settled && pay !== undefined && pay > 0n);
  const pay = open.reduce((sum, epoch) => sum + (epoch.pay ?? 0n), 0n);
  return [
    `service ${view.number} is ${view.status.now} in epoch ${moment.epoch}`,
    facts([
      ["two epochs from now", view.status.now === view.status.next ? undefined : view.status.next],
      ["stake", stakeText(view, moment.epoch)],
      ...endpointFacts(report),
      ["challenge", challengeText(view)],
      [
        "pay to settle",
        open.length === 0
          ? "none"
          : `${amount(pay)} BLOC of ${open.length} epoch${open.length === 1 ? "" : "s"}`,
      ],
      ...more,
    ]),
    "",
    epochsText(epochs),
    "",
    selfProbeText(report),
    diagnosisText(report.diagnosis),
  ].join("\n");
}

function classText({ class: kind }: ServiceView): string {
  const { name, excellentMs, goodMs, poorMs, minimumStake } = kind;
  const bounds = `EXCELLENT to ${excellentMs} ms, GOOD to ${goodMs}, POOR to ${poorMs}`;
  return `${name}: ${bounds}; minimum stake ${amount(minimumStake)} BLOC`;
}

function changing<T>({ now, next }: NowAndNext<T>, epoch: number, show: (value: T) => string) {
  return now === next ? show(now) : `${show(now)}; from epoch ${epoch + 2} on ${show(next)}`;
}

function stakeText(view: ServiceView, epoch: number): string {
  const stake = changing(view.stake, epoch, (wei) => `${amount(wei)} BLOC`);
  const isOwn = isAddressEqual(view.staker, view.owner) || BigInt(view.staker) === 0n;
  return isOwn ? stake : `${stake}, of ${view.staker}`;
}

function probeText({ probe, class: kind }: ServiceView): string {
  if (!probe.found) return `hash ${probe.hash.now}`;
  if (probe.isNewer) return "of a later version than this software knows";
  if (probe.specification === undefined) return "does not parse";
  const { requests } = probe.specification;
  const shown = requests.slice(0, 4).map(requestLine);
  const more = requests.length > 4 ? ` and ${requests.length - 4} more` : "";
  const pending = probe.hash.now === probe.hash.next ? "" : "; another two epochs from now";
  return `${shown.join(", ")}${more}, each within ${kind.poorMs} ms${pending}`;
}

/** The live record, and the one on chain: only the latter is called announced. */
function endpointFacts({ view, announced, moment }: ServiceReport): [string, string][] {
  const { source } = view.record;
  const onChain: [string, string] = ["announced on chain", recordText(announced, moment)];
  if (source === "chain") return [onChain];
  const from = source === "agent" ? "from the agent on this host" : "from the record network";
  return [["endpoints now", `${recordText(view.record, moment)}, ${from}`], onChain];
}

function recordText({ state, record }: RecordView, moment: Moment): string {
  if (record === undefined) return "none published";
  const uris = record.endpoints.map(({ uri }) => uri).join(", ");
  const left = Number(record.expiresAt) / 1000 - moment.timestamp;
  if (state === "current") return `${uris}, for another ${duration(left)}`;
  return state === "expired"
    ? `${uris}, expired ${duration(-left)} ago`
    : `${uris}, by another key`;
}

function challengeText({ challenge, quietUntil }: ServiceView): string {
  if (challenge === undefined) {
    return quietUntil === 0 ? "none" : `none; none can be opened before ${utc(quietUntil)}`;
  }
  const { id, question } = challenge;
  return question === undefined
    ? `${id}, open, without a question yet`
    : `${id}, to be answered by ${utc(question.deadline)}`;
}

function epochsText(epochs: readonly ServiceEpoch[]): string {
  if (epochs.length === 0) return "no epoch of the service is over yet";
  const rows = epochs.map((epoch) => [
    String(epoch.epoch),
    epoch.status,
    verdictText(epoch),
    epoch.seeded ? describeCounts(epoch.counts) : "no seed",
    String(epoch.shardWeight),
    epoch.pay === undefined ? "" : amount(epoch.pay, 2),
    epoch.settled ? "yes" : "no",
  ]);
  const head = ["epoch", "status", "verdict", "votes by weight", "of shard", "BLOC", "settled"];
  return table(head, rows, [0, 4, 5]);
}

function verdictText({ final, verdict, paidGrade, paidBy }: ServiceEpoch): string {
  if (!final) return "not final";
  if (verdict !== null) return grades[verdict];
  return paidGrade === null ? "no quorum" : `no quorum, pays as ${paidBy ?? ""}`;
}

function selfProbeText({ probe }: ServiceReport): string {
  if (probe === undefined) return "its probe was not run from here\n";
  const rows = probe.requests.map(({ request, transport, grade, elapsedMs, reason }) => [
    request,
    transport,
    grades[grade],
    `${Math.round(elapsedMs)} ms`,
    reason ?? "",
  ]);
  const head = ["own probe, from here", "over", "grade", "time", "why"];
  return `${table(head, rows, [3])}\n`;
}

function diagnosisText(diagnosis: readonly Diagnosis[]): string {
  if (diagnosis.length === 0) return "no problems found";
  const isReason = ({ severity, epochs }: Diagnosis) =>
    severity === "problem" || epochs !== undefined;
  return [
    findings("reasons for its grades", diagnosis.filter(isReason)),
    findings(
      "to note",
      diagnosis.filter((each) => !isReason(each)),
    ),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function findings(title: string, diagnosis: readonly Diagnosis[]): string {
  if (diagnosis.length === 0) return "";
  const lines = diagnosis.map(({ severity, code, what, remedy, epochs = [] }) => {
    const some = `epoch${epochs.length === 1 ? "" : "s"}`;
    const when = epochs.length === 0 ? "" : ` [${some} ${epochRanges(epochs)}]`;
    return `  ${severity === "problem" ? "!" : "-"} ${what}${when}\n    ${code}: ${remedy}`;
  });
  return `${title}:\n${lines.join("\n")}`;
}
