import * as z from "zod";
import type { ServiceEpoch } from "../chain/serviceEpochs.ts";
import type { IndexClient } from "./client.ts";
import { address, bigint, grade, hex, page, whole } from "./scalars.ts";

const roundSchema = z.object({
  epoch: whole,
  failed: whole,
  poor: whole,
  good: whole,
  excellent: whole,
  verdict: grade.nullable(),
  settledGrade: grade.nullable(),
  reward: bigint.nullable(),
});
const roundsSchema = z.object({ rounds: page(roundSchema) });
const ROUNDS = `query ($number: BigInt!, $last: Int!) {
  rounds(where: { number: $number }, orderBy: "epoch", orderDirection: "desc", limit: $last) {
    items { epoch failed poor good excellent verdict settledGrade reward }
  }
}`;

/** Rounds of a service from the index, oldest first: history that the contracts' rings do not hold any more. */
export async function indexedRoundsOf(
  index: IndexClient,
  number: bigint,
  last: number,
  signal: AbortSignal,
): Promise<ServiceEpoch[]> {
  const variables = { number: number.toString(), last };
  const { rounds } = await index.query(ROUNDS, variables, roundsSchema, signal);
  return rounds.items.toReversed().map((row) => ({
    epoch: row.epoch,
    isFinal: true,
    status: undefined,
    isSeeded: true,
    counts: [row.failed, row.poor, row.good, row.excellent],
    verdict: row.verdict,
    paidGrade: row.settledGrade,
    pay: row.reward ?? undefined,
    isSettled: row.settledGrade !== null,
  }));
}

/** A challenge of a service. */
export interface ChallengeRow {
  id: bigint;
  challenger: string;
  openedAt: number;
  state: "open" | "answered" | "unanswered" | "annulled";
  /** BLOC in wei. */
  slashed: bigint;
}

const challengeSchema = z.object({
  id: bigint,
  challenger: address,
  openedAt: bigint,
  state: z.enum(["open", "answered", "unanswered", "annulled"]),
  slashed: bigint.nullable(),
});
const challengesSchema = z.object({ challenges: page(challengeSchema) });
const CHALLENGES = `query ($number: BigInt!) {
  challenges(where: { number: $number }, orderBy: "id", orderDirection: "desc", limit: 100) {
    items { id challenger openedAt state slashed }
  }
}`;

/** Challenges of a service from the index, the newest first. */
export async function indexedChallenges(
  index: IndexClient,
  number: bigint,
  signal: AbortSignal,
): Promise<ChallengeRow[]> {
  const variables = { number: number.toString() };
  const { challenges } = await index.query(CHALLENGES, variables, challengesSchema, signal);
  return challenges.items.map((row) => ({
    ...row,
    openedAt: Number(row.openedAt),
    slashed: row.slashed ?? 0n,
  }));
}

const eventSchema = z.object({
  id: z.string().max(200),
  kind: z.string().max(40),
  since: whole.nullable(),
  time: bigint,
  transaction: hex(32),
  amount: bigint.nullable(),
  detail: z.string().max(1_000).nullable(),
});
const eventsSchema = z.object({ serviceEvents: page(eventSchema) });
const EVENTS = `query ($number: BigInt!) {
  serviceEvents(where: { number: $number }, orderBy: "id", orderDirection: "desc", limit: 200) {
    items { id kind since time transaction amount detail }
  }
}`;

/** What happened to a service. `detail` may be a stranger's text. */
export type ServiceEventRow = z.infer<typeof eventSchema>;

/** The newest events of a service from the index. */
export async function indexedEvents(
  index: IndexClient,
  number: bigint,
  signal: AbortSignal,
): Promise<ServiceEventRow[]> {
  const variables = { number: number.toString() };
  return (await index.query(EVENTS, variables, eventsSchema, signal)).serviceEvents.items;
}
