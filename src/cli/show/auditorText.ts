import type { AuditorRound } from "../../chain/views/auditorRounds.ts";
import type { AuditorView } from "../../chain/views/auditorView.ts";
import { amount, facts, table, utc } from "./format.ts";
import type { AuditorReport, Earnings } from "./auditorReport.ts";

/** Formats an auditor's report for a terminal. */
export function auditorText({ view, moment, rounds, earnings }: AuditorReport): string {
  const { operator, operatorBalance } = view;
  return [
    `auditor ${view.auditor} in epoch ${moment.epoch}: ${standing(view, moment.epoch)}`,
    facts([
      ["stake", `${amount(view.stake)} BLOC`],
      ["weight", view.counted.now === 0n ? undefined : weightText(view)],
      ...view.unbonding.map(
        ({ amount: wei, releaseAt }) =>
          ["unbonding", `${amount(wei)} BLOC, free at ${utc(releaseAt)}`] as const,
      ),
      ["operator", operator],
      ["its ether", operatorBalance === undefined ? undefined : etherText(view, earnings)],
      ["hash chain", chainText(view)],
      ["lapses", lapseText(view, moment.epoch)],
    ]),
    "",
    roundsText(rounds, earnings),
    "",
    `of the last ${earnings.epochs} epochs:`,
    facts([
      ["claimed", `${amount(earnings.claimed)} BLOC`],
      ["bounties", earnings.bounties === 0n ? undefined : `${amount(earnings.bounties)} BLOC`],
      ["collected", `${amount(earnings.collected)} BLOC`],
      ["gas", `${amount(earnings.spent, 8)} ETH in ${earnings.transactions} transactions`],
      [
        "an epoch",
        `${amount(earnings.perEpoch.earned)} BLOC for ${amount(earnings.perEpoch.spent, 8)} ETH`,
      ],
      ["net", earnings.net === undefined ? undefined : `${amount(earnings.net, 8)} ETH`],
    ]),
    `to collect: ${amount(earnings.pending)} BLOC`,
    ...risks(rounds),
  ].join("\n");
}

function standing(view: AuditorView, epoch: number): string {
  if (view.enrolledSince === 0)
    return view.stake === 0n ? "not an auditor" : "staked, not enrolled";
  if (view.enrolledSince > epoch) return `counts from epoch ${view.enrolledSince} on`;
  return view.counted.now === 0n ? "enrolled without stake" : `counts since ${view.enrolledSince}`;
}

function weightText({ expectedWeight, counted, total }: AuditorView): string {
  const share = Number((counted.now * 10_000n) / total) / 100;
  return `${expectedWeight.toFixed(2)} in each shard on average, ${share}% of the enrolled stake`;
}

function etherText({ operatorBalance }: AuditorView, { daysOfGas }: Earnings): string {
  const balance = `${amount(operatorBalance ?? 0n, 6)} ETH`;
  return daysOfGas === undefined ? balance : `${balance}, lasts ${daysOfGas} days at this pace`;
}

function chainText({ chain }: AuditorView): string | undefined {
  if (chain.pendingSince !== undefined) return `a new one from epoch ${chain.pendingSince} on`;
  const { epochsLeft } = chain;
  return epochsLeft === undefined ? undefined : `good for ${epochsLeft} epochs or more`;
}

function lapseText({ lapse }: AuditorView, epoch: number): string | undefined {
  if (lapse === undefined) return undefined;
  const left = lapse.lapsableFrom - epoch;
  if (left <= 0) return "anyone can lapse it now";
  return `in ${left} epochs, at ${lapse.lapsableFrom}, if it reveals nothing more`;
}

function roundsText(rounds: readonly AuditorRound[], { spentByEpoch }: Earnings): string {
  const spent = new Map(spentByEpoch.map(({ epoch, wei }) => [epoch, wei]));
  const rows = rounds.map((round) => [
    String(round.epoch),
    stateOf(round),
    String(round.votes),
    String(round.paidVotes),
    amount(round.reward, 2),
    amount(spent.get(round.epoch) ?? 0n, 8),
  ]);
  const head = ["epoch", "round", "votes", "paid", "BLOC", "ETH for gas"];
  return table(head, rows, [0, 2, 3, 4, 5]);
}

function stateOf({ counted, committed, reported, revealed, claimed, risk }: AuditorRound): string {
  if (reported) return "reported";
  if (risk > 0n) return "not revealed";
  if (revealed > 0) return claimed === revealed ? "claimed" : "revealed";
  if (committed) return "committed";
  return counted ? "none" : "not enrolled";
}

function risks(rounds: readonly AuditorRound[]): string[] {
  return rounds
    .filter(({ risk }) => risk > 0n)
    .map(
      ({ epoch, risk }) =>
        `! round ${epoch} was not revealed: a report costs ${amount(risk)} BLOC of the stake`,
    );
}
