import * as z from "zod";
import type { Address } from "viem";
import type { AuditorRoundRow, AuditorRow, Listing } from "../model.ts";
import type { IndexClient } from "./client.ts";
import { many } from "../format.ts";
import { address, bigint, page, whole } from "./scalars.ts";

const AT_ONCE = 500;

const rowSchema = z.object({
  auditor: address,
  operator: address.nullable(),
  stake: bigint,
  enrolled: z.boolean(),
  enrolledSince: whole.nullable(),
  committed: whole,
  revealed: whole,
  votes: whole,
  paidVotes: whole,
  earned: bigint,
  collected: bigint,
  lastRevealed: whole.nullable(),
  rounds: page(z.object({ claimBy: whole })),
});
const listSchema = z.object({ auditors: page(rowSchema) });
const LIST = `query ($final: Int!, $epoch: Int!) {
  auditors(orderBy: "stake", orderDirection: "desc", limit: ${AT_ONCE}) {
    items {
      auditor operator stake enrolled enrolledSince committed revealed votes paidVotes earned collected lastRevealed
      rounds(
        where: { state: "revealed", epoch_lte: $final, claimBy_gte: $epoch }
        orderBy: "claimBy", orderDirection: "asc", limit: 1
      ) { items { claimBy } totalCount }
    }
    totalCount
  }
}`;

/** Auditors from the index, the largest stakes first. */
export async function indexedAuditors(
  index: IndexClient,
  epoch: number,
  signal: AbortSignal,
): Promise<Listing<AuditorRow>> {
  const variables = { final: epoch - 2, epoch };
  const { auditors } = await index.query(LIST, variables, listSchema, signal);
  const rows = auditors.items.map((row): AuditorRow => ({
    auditor: row.auditor,
    operator: row.operator ?? undefined,
    stake: row.stake,
    enrolledSince: row.enrolledSince ?? 0,
    isEnrolled: row.enrolled,
    rounds: row.committed,
    revealed: row.revealed,
    votes: row.votes,
    paidVotes: row.paidVotes,
    rewards: row.earned,
    uncollected: row.earned - row.collected,
    unclaimed: row.rounds.totalCount ?? row.rounds.items.length,
    claimBy: row.rounds.items[0]?.claimBy,
    lastRevealed: row.lastRevealed ?? undefined,
  }));
  const left = (auditors.totalCount ?? rows.length) - rows.length;
  return {
    rows,
    source: "index",
    leftOut: left > 0 ? `${many(left, "auditor")} with less stake` : undefined,
  };
}

const roundSchema = z.object({
  epoch: whole,
  state: z.enum(["committed", "revealed", "claimed", "reported"]),
  votes: whole,
  paidVotes: whole,
  reward: bigint,
  claimBy: whole,
});
const roundsSchema = z.object({ auditorRounds: page(roundSchema) });
const ROUNDS = `query ($auditor: String!, $last: Int!) {
  auditorRounds(where: { auditor: $auditor }, orderBy: "epoch", orderDirection: "desc", limit: $last) {
    items { epoch state votes paidVotes reward claimBy }
  }
}`;

/** Rounds of an auditor from the index, oldest first. */
export async function indexedRounds(
  index: IndexClient,
  auditor: Address,
  last: number,
  signal: AbortSignal,
): Promise<AuditorRoundRow[]> {
  const variables = { auditor: auditor.toLowerCase(), last };
  const { auditorRounds } = await index.query(ROUNDS, variables, roundsSchema, signal);
  return auditorRounds.items.toReversed();
}
