import * as z from "zod";
import type { EpochRow } from "../model.ts";
import type { IndexClient } from "./client.ts";
import { bigint, page, text, whole } from "./scalars.ts";

const rowSchema = z.object({
  epoch: whole,
  seed: text.nullable(),
  committed: whole,
  revealed: whole,
  claimed: whole,
  reported: whole,
  votes: whole,
  paidVotes: whole,
  failed: whole,
  poor: whole,
  good: whole,
  excellent: whole,
  auditorsPaid: bigint,
  providersPaid: bigint,
  auditGas: bigint,
  votesRevealed: whole,
});
const answerSchema = z.object({
  epochs: page(rowSchema),
  network: z
    .object({ auditors: whole, poolPaid: bigint, redeemed: bigint, openChallenges: whole })
    .nullable(),
});
const QUERY = `query ($last: Int!) {
  epochs(orderBy: "epoch", orderDirection: "desc", limit: $last) {
    items {
      epoch seed committed revealed claimed reported votes paidVotes failed poor good excellent
      auditorsPaid providersPaid auditGas votesRevealed
    }
  }
  network(id: "network") { auditors poolPaid redeemed openChallenges }
}`;

/** Sums of the whole deployment, which only the index has. */
export interface Totals {
  auditors: number;
  poolPaid: bigint;
  redeemed: bigint;
  openChallenges: number;
}

/** The newest epochs from the index, oldest first. */
export async function indexedEpochs(
  index: IndexClient,
  last: number,
  signal: AbortSignal,
): Promise<{ rows: EpochRow[]; totals: Totals | undefined }> {
  const { epochs, network } = await index.query(QUERY, { last }, answerSchema, signal);
  const rows = epochs.items.toReversed().map((row): EpochRow => ({
    epoch: row.epoch,
    hasSeed: row.seed !== null,
    committed: row.committed,
    revealed: row.revealed,
    claimed: row.claimed,
    reported: row.reported,
    votes: row.votes,
    paidVotes: row.paidVotes,
    auditorsPaid: row.auditorsPaid,
    providersPaid: row.providersPaid,
    verdicts: [row.failed, row.poor, row.good, row.excellent],
    gasPerAudit:
      row.votesRevealed === 0 ? undefined : Math.round(Number(row.auditGas) / row.votesRevealed),
  }));
  return { rows, totals: network ?? undefined };
}
