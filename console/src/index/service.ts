import * as z from "zod";
import { day } from "../format.ts";
import type { ServiceEpochRow } from "../model.ts";
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
): Promise<ServiceEpochRow[]> {
  const variables = { number: number.toString(), last };
  const { rounds } = await index.query(ROUNDS, variables, roundsSchema, signal);
  return rounds.items.toReversed().map((row) => ({
    epoch: row.epoch,
    final: true,
    status: undefined,
    seeded: true,
    counts: [row.failed, row.poor, row.good, row.excellent],
    verdict: row.verdict,
    paidGrade: row.settledGrade,
    pay: row.reward ?? undefined,
    settled: row.settledGrade !== null,
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

const daySchema = z.object({
  day: whole,
  rewards: bigint,
  redeemed: bigint,
  redemptions: whole,
  collected: bigint,
  fees: bigint,
});
const daysSchema = z.object({ serviceDays: page(daySchema) });
const DAYS = `query ($number: BigInt!) {
  serviceDays(where: { number: $number }, orderBy: "day", orderDirection: "desc", limit: 400) {
    items { day rewards redeemed redemptions collected fees }
  }
}`;

/** What a service earned on a day (UTC), BLOC in wei. */
export interface IncomeRow {
  day: string;
  /** Emission, settled on this day. */
  rewards: bigint;
  /** Redeemed of what users signed; and of that collected, with the fee. */
  redeemed: bigint;
  redemptions: number;
  collected: bigint;
  fees: bigint;
}

/** The earnings of a service by day from the index, the newest first. */
export async function indexedIncome(
  index: IndexClient,
  number: bigint,
  signal: AbortSignal,
): Promise<IncomeRow[]> {
  const { serviceDays } = await index.query(
    DAYS,
    { number: number.toString() },
    daysSchema,
    signal,
  );
  return serviceDays.items.map((row) => ({ ...row, day: day(row.day * 86_400) }));
}
