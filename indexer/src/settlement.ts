import { ponder } from "ponder:registry";
import { round, serviceDay } from "ponder:schema";
import { dayOf, type Db } from "./context.ts";
import { changeService, note } from "./services.ts";
import { changeEpoch, changeNetwork } from "./totals.ts";

type Day = (typeof serviceDay)["$inferSelect"];

/** Changes the earnings of a service on a day, which begin with zeros. */
export async function changeDay(
  db: Db,
  number: bigint,
  time: bigint,
  change: (row: Day) => Partial<Day>,
): Promise<void> {
  const fresh: Day = {
    number,
    day: dayOf(time),
    redeemed: 0n,
    redemptions: 0,
    collected: 0n,
    fees: 0n,
    rewards: 0n,
  };
  await db
    .insert(serviceDay)
    .values({ ...fresh, ...change(fresh) })
    .onConflictDoUpdate(change);
}

ponder.on("Settlement:Settled", async ({ event, context }) => {
  const { number, epoch, grade, reward } = event.args;
  const settled = { settledGrade: grade, reward, settledAt: event.block.timestamp };
  await context.db
    .insert(round)
    .values({
      number,
      epoch,
      shard: null,
      lane: null,
      failed: 0,
      poor: 0,
      good: 0,
      excellent: 0,
      votes: 0,
      verdict: null,
      ...settled,
    })
    .onConflictDoUpdate(settled);
  await changeService(context.db, number, (row) => ({
    rewards: row.rewards + reward,
    settledEpoch: Math.max(row.settledEpoch ?? 0, epoch),
  }));
  await changeEpoch(context.db, epoch, (row) => ({
    providersPaid: row.providersPaid + reward,
    settledServices: row.settledServices + 1,
  }));
  await changeDay(context.db, number, event.block.timestamp, (row) => ({
    rewards: row.rewards + reward,
  }));
});

ponder.on("Settlement:Suspended", async ({ event, context }) => {
  const { number, lastEpoch } = event.args;
  await note(context.db, event, number, "failed-run", { detail: `${lastEpoch}` });
});

ponder.on("RewardPool:Reserved", async ({ event, context }) => {
  const { epoch, contributed, bounty } = event.args;
  await changeEpoch(context.db, epoch, () => ({ contributed, bounty }));
});

ponder.on("RewardPool:Released", async ({ event, context }) => {
  const { amount } = event.args;
  await changeNetwork(context.db, (row) => ({ returned: row.returned + amount }));
});

ponder.on("RewardPool:Paid", async ({ event, context }) => {
  const { amount } = event.args;
  await changeNetwork(context.db, (row) => ({ poolPaid: row.poolPaid + amount }));
});

ponder.on("RewardPool:Contributed", async ({ event, context }) => {
  const { amount } = event.args;
  await changeNetwork(context.db, (row) => ({ contributed: row.contributed + amount }));
});
