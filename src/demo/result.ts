import type { Address } from "viem";
import type { DemoAuditor, DemoService } from "./cast.ts";
import type { DemoMove } from "./move.ts";
import type { Monitor } from "./monitor.ts";
import type { Verdict } from "../protocol/tally.ts";

/** The last line of `npm start -- --epochs N --json`. Rewards and stakes are BLOC in wei, as decimals. */
export interface DemoResult {
  /**
   * Every auditor earned, the healthy services were paid in full, the faulty one visibly less, and a service
   * moved without a transaction.
   */
  ok: boolean;
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
  /** How service 1 moved in mid-run; null if the run ended before. */
  move: DemoMove | null;
  /** All gas of the operators' transactions over all votes revealed. */
  gasPerAudit: number | null;
}

/** A faulty service must stay below this share of the full pay, in percent. */
const VISIBLY_LESS = 80n;

/** Adds up what the chain says of the audited epochs. */
export async function judge(
  run: {
    monitor: Monitor;
    services: readonly DemoService[];
    auditors: readonly DemoAuditor[];
    first: number;
    clock: { head(): { number: bigint } };
    move: DemoMove | undefined;
  },
  epochs: number | undefined,
): Promise<DemoResult> {
  const { monitor, first } = run;
  await monitor.refresh(run.clock.head().number);
  const settled = run.services.map(({ number }) => monitor.settledFrom(number, first));
  const count = epochs ?? Math.min(...settled);
  const audited = Array.from({ length: count }, (_, index) => first + index);

  const services = await Promise.all(
    run.services.map(async ({ number, className, healthy }) => {
      const full = sum(await Promise.all(audited.map((each) => monitor.fullPay(number, each))));
      const reward = sum(audited.map((each) => monitor.settlement(number, each)?.reward ?? 0n));
      const verdicts = await Promise.all(audited.map((each) => monitor.verdict(number, each)));
      const fair = healthy ? reward === full && full > 0n : reward * 100n <= full * VISIBLY_LESS;
      return { number: Number(number), class: className, verdicts, reward, fair };
    }),
  );
  const auditors = run.auditors.map(({ owner, operator, stake }) => {
    const rounds = audited.map((each) => monitor.round(owner, each));
    return {
      address: owner,
      stake: stake.toString(),
      rounds: rounds.filter((round) => round.claimed).length,
      votes: rounds.reduce((total, round) => total + round.votes, 0),
      paidVotes: rounds.reduce((total, round) => total + round.paidVotes, 0),
      reward: sum(rounds.map((round) => round.reward)),
      transactions: monitor.transactions(operator),
    };
  });
  return {
    ok:
      count > 0 &&
      services.every((service) => service.fair) &&
      auditors.every((auditor) => auditor.reward > 0n) &&
      run.move?.announcements === 0,
    epochs: count,
    services: services.map(({ fair: _, ...service }) => ({
      ...service,
      reward: service.reward.toString(),
    })),
    auditors: auditors.map((auditor) => ({ ...auditor, reward: auditor.reward.toString() })),
    move: run.move ?? null,
    gasPerAudit: monitor.gasPerAudit ?? null,
  };
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
