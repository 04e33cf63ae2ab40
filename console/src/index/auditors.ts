import * as z from "zod";
import type { Address } from "viem";
import type { AuditorRoundRow, AuditorRow, Listing } from "../model.ts";
import type { IndexClient } from "./client.ts";
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
});
const listSchema = z.object({ auditors: page(rowSchema) });
const LIST = `{
  auditors(orderBy: "stake", orderDirection: "desc", limit: ${AT_ONCE}) {
    items {
      auditor operator stake enrolled enrolledSince committed revealed votes paidVotes earned collected lastRevealed
    }
    totalCount
  }
}`;

/** Auditors from the index, the largest stakes first. */
export async function indexedAuditors(
  index: IndexClient,
  signal: AbortSignal,
): Promise<Listing<AuditorRow>> {
  const { auditors } = await index.query(LIST, {}, listSchema, signal);
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
    lastRevealed: row.lastRevealed ?? undefined,
  }));
  const left = (auditors.totalCount ?? rows.length) - rows.length;
  return {
    rows,
    source: "index",
    leftOut: left > 0 ? `${left} auditors with less stake` : undefined,
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
