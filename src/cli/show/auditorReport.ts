import { readAuditorHistory, type AuditorRound } from "../../chain/views/auditorRounds.ts";
import { readAuditorView, type AuditorView } from "../../chain/views/auditorView.ts";
import { readMoment, type Moment } from "../../chain/views/contracts.ts";
import { readSpending, type Spending } from "../../chain/views/spending.ts";
import type { Address } from "viem";
import type { ChainContext } from "../framework/chainCommand.ts";
import type { Flags } from "../framework/flag.ts";

/** One BLOC, and the bounty of a tick, in wei of BLOC. */
const BLOC = 10n ** 18n;
const SECONDS_A_DAY = 86_400;

/** An auditor's earnings and costs over a number of epochs. */
export interface AuditorReport {
  moment: Moment;
  view: AuditorView;
  rounds: readonly AuditorRound[];
  earnings: Earnings;
}

/** BLOC and ether in wei. */
export interface Earnings {
  /** Number of epochs. */
  epochs: number;
  /** Claimed for rounds. */
  claimed: bigint;
  /** Bounties for seeds, which the operator receives at once. */
  bounties: bigint;
  /** Paid out to the owner. */
  collected: bigint;
  /** Claimed but not paid out, over all epochs. */
  pending: bigint;
  /** Gas of the operator's transactions, ether. */
  spent: bigint;
  transactions: number;
  spentByEpoch: readonly { epoch: number; wei: bigint }[];
  perEpoch: { earned: bigint; spent: bigint };
  /** Earnings minus gas, ether; undefined without a price of BLOC. */
  net: bigint | undefined;
  /** How long the operator's ether lasts at this rate, whole days; undefined if it spends nothing. */
  daysOfGas: number | undefined;
}

/** Reads an auditor. */
export async function readAuditorReport(
  context: Pick<ChainContext<Flags, Flags>, "client" | "deployment" | "progress">,
  options: { auditor: Address; epochs: number; blocPrice: bigint | undefined },
): Promise<AuditorReport> {
  const { client, deployment, progress } = context;
  const { auditor, epochs: last } = options;
  progress.update("reading the auditor");
  const moment = await readMoment(client, deployment);
  const view = await readAuditorView(client, deployment, { auditor, moment });
  progress.update(`reading ${last} epochs`);
  const history = await readAuditorHistory(client, deployment, { auditor, moment, last });
  progress.update("reading receipts");
  const { operator } = view;
  const spending = operator && (await readSpending(client, deployment, { ...history, operator }));
  progress.clear();
  const { rounds, collected } = history;
  const earnings = weigh(
    { view, rounds, collected, spending },
    { epochSeconds: deployment.epochSeconds, blocPrice: options.blocPrice },
  );
  return { moment, view, rounds, earnings };
}

/** Compares earnings with gas. */
function weigh(
  found: {
    view: AuditorView;
    rounds: readonly AuditorRound[];
    collected: bigint;
    spending: Spending | undefined;
  },
  options: { epochSeconds: number; blocPrice: bigint | undefined },
): Earnings {
  const { view, rounds, collected, spending } = found;
  const claimed = rounds.reduce((sum, { reward }) => sum + reward, 0n);
  const bounties = BigInt(spending?.ticks ?? 0) * BLOC;
  const spent = spending?.wei ?? 0n;
  const epochs = rounds.length;
  const each = (sum: bigint) => (epochs === 0 ? 0n : sum / BigInt(epochs));
  const perEpoch = { earned: each(claimed + bounties), spent: each(spent) };
  const lasts = perEpoch.spent === 0n ? undefined : (view.operatorBalance ?? 0n) / perEpoch.spent;
  return {
    epochs,
    claimed,
    bounties,
    collected,
    pending: view.earned,
    spent,
    transactions: spending?.transactions ?? 0,
    spentByEpoch: [...(spending?.weiByEpoch ?? [])].map(([epoch, wei]) => ({ epoch, wei })),
    perEpoch,
    net:
      options.blocPrice === undefined
        ? undefined
        : ((claimed + bounties) * options.blocPrice) / BLOC - spent,
    daysOfGas:
      lasts === undefined
        ? undefined
        : Math.floor((Number(lasts) * options.epochSeconds) / SECONDS_A_DAY),
  };
}
