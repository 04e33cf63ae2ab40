import { formatEther, type Address } from "viem";
import { GAS_PER_ROUND, roundsLeft } from "../chain/runway.ts";
import type { AuditorRound } from "../chain/views/auditorRounds.ts";
import type { AuditorView } from "../chain/views/auditorView.ts";
import type { Moment } from "../chain/views/contracts.ts";
import type { ServiceView } from "../chain/views/serviceView.ts";
import { RING } from "../protocol/epoch.ts";
import type { ServiceEpoch } from "../protocol/serviceEpochs.ts";
import { grades, type Grade } from "../protocol/tally.ts";

/** What an alert is about. */
export const alertKinds = [
  "status",
  "grade",
  "challenge",
  "lease",
  "settle",
  "missed",
  "claim",
  "balance",
] as const;
export type AlertKind = (typeof alertKinds)[number];

/** When alerts fire. */
export interface AlertLimits {
  /** So many epochs or rounds in a row, before a grade or a missed round fires. */
  inARow: number;
  /** A lower grade fires. */
  leastGrade: Grade;
  /** Gas for fewer days fires. */
  leastDays: number;
  /**
   * A lease, pay or a claim that ends within this time fires, seconds; pay and claims not before the last quarter of
   * the time that they have: on a chain with short epochs, all of that may be shorter.
   */
  withinS: number;
}

/** Something that needs the operator, while it holds. */
export interface Condition {
  /** Names it: a condition that holds on fires no second time. */
  readonly key: string;
  readonly kind: AlertKind;
  /** `service 7`, `auditor 0x…`, `account 0x…`. */
  readonly subject: string;
  readonly text: string;
}

/** Epochs in which a round can be claimed (`AuditRounds`). */
const CLAIM_EPOCHS = 128;
const DAY_S = 86_400;
/** At most this part of the time for a settlement or a claim is late. */
const LATE_PART = 1 / 4;

/** The conditions of a service that hold. */
export function serviceConditions(
  view: ServiceView,
  epochs: readonly ServiceEpoch[],
  limits: AlertLimits,
  { moment, epochSeconds }: { moment: Moment; epochSeconds: number },
): Condition[] {
  const found = collect(`service ${view.number}`);
  const { status, record, challenge, settledThrough } = view;
  if (status.now !== "Active") found.add("status", `The service is ${status.now}.`);
  const judged = epochs.filter(({ final, verdict }) => final && verdict !== null);
  const newest = judged.slice(-limits.inARow);
  const isLow = newest.every(({ verdict }) => (verdict ?? 0) < limits.leastGrade);
  if (newest.length === limits.inARow && isLow) {
    const text = newest.map(({ epoch, verdict }) => `${epoch} ${grades[verdict ?? 0] ?? ""}`);
    found.add("grade", `Below ${grades[limits.leastGrade] ?? ""}: epochs ${text.join(", ")}.`);
  }
  if (challenge !== undefined) found.add("challenge", "The service is challenged.");
  const endsAt = record.record === undefined ? 0 : Number(record.record.expiresAt) / 1000;
  if (record.state !== "current" || endsAt - moment.timestamp < limits.withinS) {
    const when = endsAt === 0 ? "" : `, it ends at ${utc(endsAt)}`;
    found.add("lease", `The record on chain is ${record.state}${when}.`);
  }
  const owed = epochs.find(({ settled, pay = 0n }) => !settled && pay > 0n);
  const left = (settledThrough + RING - moment.epoch) * epochSeconds;
  if (owed !== undefined && left < lateS(limits, RING, epochSeconds)) {
    found.add(
      "settle",
      `The pay of epoch ${owed.epoch} is not settled, and is lost in ${span(left)}: check that the provider runs and can send transactions.`,
    );
  }
  return found.conditions;
}

/** The conditions of an auditor that hold. */
export function auditorConditions(
  view: AuditorView,
  rounds: readonly AuditorRound[],
  limits: AlertLimits,
  chain: { moment: Moment; epochSeconds: number; gasPrice: bigint },
): Condition[] {
  const { moment, epochSeconds } = chain;
  const found = collect(`auditor ${view.auditor}`);
  // The newest two may still be committed or revealed.
  const past = rounds.filter(({ epoch, counted }) => counted && epoch + 2 <= moment.epoch);
  const newest = past.slice(-limits.inARow);
  const isMissed = newest.every(({ committed, revealed }) => !committed || revealed === 0);
  if (newest.length === limits.inARow && isMissed) {
    found.add("missed", `Missed rounds: ${newest.map(({ epoch }) => epoch).join(", ")}.`);
  }
  const unclaimed = past.find(({ revealed, claimed }) => claimed < revealed);
  if (unclaimed !== undefined) {
    const left = (unclaimed.epoch + CLAIM_EPOCHS - moment.epoch) * epochSeconds;
    if (left < lateS(limits, CLAIM_EPOCHS, epochSeconds)) {
      found.add(
        "claim",
        `The round of epoch ${unclaimed.epoch} is not claimed, and its reward is lost in ${span(left)}: check that the auditor runs and can send transactions.`,
      );
    }
  }
  const { operator, operatorBalance } = view;
  if (operator !== undefined && operatorBalance !== undefined) {
    const gas = GAS_PER_ROUND.auditor;
    found.addBalance({ account: operator, wei: operatorBalance, gas }, limits, chain);
  }
  return found.conditions;
}

/** The conditions of an account that pays for a provider's or keeper's transactions. */
export function accountConditions(
  account: Address,
  wei: bigint,
  limits: AlertLimits,
  chain: { epochSeconds: number; gasPrice: bigint },
): Condition[] {
  const found = collect(`account ${account}`);
  found.addBalance({ account, wei, gas: GAS_PER_ROUND.provider }, limits, chain);
  return found.conditions;
}

function collect(subject: string) {
  const conditions: Condition[] = [];
  const add = (kind: AlertKind, text: string) => {
    conditions.push({ key: `${subject} ${kind}`, kind, subject, text });
  };
  return {
    conditions,
    add,
    addBalance(
      { account, wei, gas }: { account: Address; wei: bigint; gas: bigint },
      { leastDays }: AlertLimits,
      { epochSeconds, gasPrice }: { epochSeconds: number; gasPrice: bigint },
    ) {
      const rounds = roundsLeft(wei, gasPrice, gas);
      if (rounds === undefined) return;
      const days = (Number(rounds) * epochSeconds) / DAY_S;
      if (days >= leastDays) return;
      add("balance", `${account} has ${formatEther(wei)} ETH: gas for ${days.toFixed(1)} days.`);
    },
  };
}

/** How long before its end something that can be done for so many epochs is late, seconds. */
function lateS({ withinS }: AlertLimits, epochs: number, epochSeconds: number): number {
  return Math.min(withinS, epochs * epochSeconds * LATE_PART);
}

function span(seconds: number): string {
  const left = Math.max(0, seconds);
  return left < 3_600 ? `${Math.floor(left / 60)} min` : `${(left / 3_600).toFixed(1)} h`;
}

function utc(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
