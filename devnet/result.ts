import type { Address } from "viem";
import type { DemoAuditor, DemoService } from "./stage.ts";
import type { DemoDownload } from "./download.ts";
import type { DemoMove } from "./move.ts";
import type { DemoRelayLoss } from "./relays.ts";
import type { DemoPaying } from "./paying.ts";
import type { Monitor } from "./monitor.ts";
import {
  whyNotAddedUp,
  whyNotAnswered,
  whyNotEarned,
  whyNotInFull,
  whyNotLess,
  whyNotMoved,
  whyNotOverAnotherRelay,
  whyNotWhole,
  type DemoReason,
  type ServiceEpoch,
} from "./reasons.ts";
import type { Findings } from "./findings.ts";
import type { Verdict } from "../src/protocol/tally.ts";

/** The last line of `npm start -- --epochs N --json`. Rewards and stakes are BLOC in wei, as decimals. */
export interface DemoResult {
  /**
   * Every auditor earned, the healthy services were paid in full, the faulty one visibly less, and a service
   * moved without a transaction while a download from it went on whole, as another did when its relay was
   * killed; all that a user paid adds up, and most of its requests were answered. Of an interrupted run only the
   * move, the download and the relay count, if they had ended.
   */
  ok: boolean;
  /** Whether Ctrl-C or a signal ended the run. */
  interrupted: boolean;
  /** Which of these conditions failed, when, and why; empty if `ok`. */
  reasons: DemoReason[];
  /** Epochs that were audited. */
  epochs: number;
  services: { number: number; class: string; verdicts: Verdict[]; reward: string }[];
  auditors: {
    address: Address;
    stake: string;
    rounds: number;
    votes: number;
    paidVotes: number;
    reward: string;
    transactions: number;
  }[];
  /** The move of service 1 during the run; null if the run ended before. */
  move: DemoMove | null;
  /** The download through the local proxy during the move; null if the run ended before. */
  download: DemoDownload | null;
  /** The download under which a relay was killed; null if the run ended before. */
  relayLoss: DemoRelayLoss | null;
  /** What a user paid service 1, and where it went; null if the run ended before. */
  paying: DemoPaying | null;
  /** All gas of the operators' transactions over all votes revealed. */
  gasPerAudit: number | null;
}

/**
 * Computes the result of the audited epochs from the chain.
 *
 * @param interrupted Pay that is not settled yet, and whatever else had not ended, is no failure then.
 */
export async function judge(
  run: {
    monitor: Monitor;
    services: readonly DemoService[];
    auditors: readonly DemoAuditor[];
    first: number;
    clock: { head(): { number: bigint } };
    move: DemoMove | undefined;
    download: DemoDownload | undefined;
    relayLoss: DemoRelayLoss | undefined;
    paying: DemoPaying | undefined;
    findings: Pick<Findings, "inspections" | "lastSaid">;
  },
  epochs: number | undefined,
  interrupted: boolean,
): Promise<DemoResult> {
  const { monitor, first } = run;
  await monitor.refresh(run.clock.head().number);
  const settled = run.services.map(({ number }) => monitor.settledTo(number, first));
  const count = interrupted ? Math.min(...settled) : (epochs ?? Math.min(...settled));
  const audited = Array.from({ length: count }, (_, index) => first + index);

  const serviceEpoch = async (number: bigint, epoch: number): Promise<ServiceEpoch> => ({
    epoch,
    hasSeed: monitor.hasSeed(epoch),
    reward: monitor.settlement(number, epoch)?.reward,
    full: await monitor.fullPay(number, epoch),
    verdict: await monitor.verdict(number, epoch),
    voted: run.auditors.filter(({ owner }) => monitor.round(owner, epoch).votes > 0).length,
    auditors: run.auditors.length,
  });
  const services = await Promise.all(
    run.services.map(async ({ number, className, healthy }) => {
      const epochs = await Promise.all(audited.map((epoch) => serviceEpoch(number, epoch)));
      return {
        row: {
          number: Number(number),
          class: className,
          verdicts: epochs.map(({ verdict }) => verdict),
          reward: sum(epochs.map(({ reward }) => reward ?? 0n)).toString(),
        },
        reasons: healthy ? whyNotInFull(number, epochs, run.findings) : whyNotLess(number, epochs),
      };
    }),
  );
  const auditors = run.auditors.map(({ owner, operator, stake }) => {
    const rounds = audited.map((epoch) => ({ ...monitor.round(owner, epoch), epoch }));
    return {
      row: {
        address: owner,
        stake: stake.toString(),
        rounds: rounds.filter((round) => round.claimed).length,
        votes: rounds.reduce((total, round) => total + round.votes, 0),
        paidVotes: rounds.reduce((total, round) => total + round.paidVotes, 0),
        reward: sum(rounds.map((round) => round.reward)).toString(),
        transactions: monitor.transactions(operator),
      },
      reasons: whyNotEarned(owner, rounds, run.findings),
    };
  });
  const why = "No epoch was audited, claimed and settled by the end of the run.";
  const none: DemoReason[] = count > 0 ? [] : [{ check: "EPOCHS_AUDITED", epoch: null, why }];
  const { move, download, relayLoss, paying } = run;
  const ended = [
    ...(interrupted && move === undefined ? [] : whyNotMoved(move)),
    ...(interrupted && download === undefined ? [] : whyNotWhole(download)),
    ...(interrupted && relayLoss === undefined ? [] : whyNotOverAnotherRelay(relayLoss)),
  ];
  const reasons = interrupted
    ? ended
    : [
        ...none,
        ...[...services, ...auditors].flatMap((each) => each.reasons),
        ...ended,
        ...whyNotAddedUp(paying),
        ...whyNotAnswered(paying),
      ];
  return {
    ok: reasons.length === 0,
    interrupted,
    reasons,
    epochs: count,
    services: services.map(({ row }) => row),
    auditors: auditors.map(({ row }) => row),
    move: move ?? null,
    download: download ?? null,
    relayLoss: relayLoss ?? null,
    paying: paying ?? null,
    gasPerAudit: monitor.gasPerAudit ?? null,
  };
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
