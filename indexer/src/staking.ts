import { ponder } from "ponder:registry";
import { auditor, auditorEvent, serviceStake, staker, unbonding } from "ponder:schema";
import type { Address, Hex } from "viem";
import { epochOf, placeOfEvent, type Db, type Source, idOf } from "./context.ts";
import { changeService, note } from "./services.ts";
import { changeEpoch, changeNetwork } from "./totals.ts";

type Auditor = (typeof auditor)["$inferSelect"];

/** Stakes that a reveal may need: a change counts from 2 epochs ahead, a reveal is an epoch late. */
const STAKES_KEPT = 4;

/** Changes an auditor, which begins with zeros. */
export async function changeAuditor(
  db: Db,
  owner: Address,
  change: (row: Auditor) => Partial<Auditor>,
): Promise<void> {
  const fresh: Auditor = {
    auditor: owner,
    operator: null,
    tip: null,
    tipSince: null,
    stake: 0n,
    stakeSince: 0,
    stakes: [],
    enrolled: false,
    enrolledSince: null,
    slashed: 0n,
    lastCommitted: null,
    lastRevealed: null,
    committed: 0,
    revealed: 0,
    reported: 0,
    votes: 0,
    paidVotes: 0,
    earned: 0n,
    collected: 0n,
  };
  await db
    .insert(auditor)
    .values({ ...fresh, ...change(fresh) })
    .onConflictDoUpdate(change);
}

/** Notes what happened to an auditor. */
export async function noteAuditor(
  db: Db,
  event: Source,
  owner: Address,
  kind: string,
  more: { since?: number; account?: Hex; amount?: bigint } = {},
): Promise<void> {
  await db.insert(auditorEvent).values({
    id: idOf(event),
    auditor: owner,
    kind,
    since: more.since ?? null,
    epoch: epochOf(event.block.timestamp),
    ...placeOfEvent(event),
    account: more.account ?? null,
    amount: more.amount ?? null,
  });
}

ponder.on("Staking:ServiceStakeChanged", async ({ event, context }) => {
  const { number, since, stake } = event.args;
  let before = 0n;
  await changeService(context.db, number, (row) => {
    before = row.stake;
    return { stake, stakeSince: since };
  });
  await context.db
    .insert(serviceStake)
    .values({ number, since, stake })
    .onConflictDoUpdate({ stake });
  await note(context.db, event, number, "stake", { since, amount: stake });
  await changeNetwork(context.db, (row) => ({ serviceStake: row.serviceStake + stake - before }));
});

ponder.on("Staking:ServiceSlashed", async ({ event, context }) => {
  const { number, amount, staker: slashedStaker } = event.args;
  await changeService(context.db, number, (row) => ({ slashed: row.slashed + amount }));
  await note(context.db, event, number, "slashed", { account: slashedStaker, amount });
  await countSlash(context.db, event.block.timestamp, amount);
});

ponder.on("Staking:AuditorStakeChanged", async ({ event, context }) => {
  const { auditor: owner, since, stake } = event.args;
  let before = 0n;
  await changeAuditor(context.db, owner, (row) => {
    before = row.stake;
    const earlier = row.stakes.filter(([from]) => from !== since);
    const stakes: [number, string][] = [...earlier, [since, stake.toString()]];
    return { stake, stakeSince: since, stakes: stakes.slice(-STAKES_KEPT) };
  });
  await noteAuditor(context.db, event, owner, "stake", { since, amount: stake });
  await changeNetwork(context.db, (row) => ({ auditorStake: row.auditorStake + stake - before }));
});

ponder.on("Staking:AuditorEnrolled", async ({ event, context }) => {
  const { auditor: owner, since } = event.args;
  await changeAuditor(context.db, owner, () => ({ enrolled: true, enrolledSince: since }));
  await noteAuditor(context.db, event, owner, "enrolled", { since });
  await changeNetwork(context.db, (row) => ({ auditors: row.auditors + 1 }));
});

ponder.on("Staking:AuditorLapsed", async ({ event, context }) => {
  const { auditor: owner, since } = event.args;
  await changeAuditor(context.db, owner, () => ({ enrolled: false, enrolledSince: since }));
  await noteAuditor(context.db, event, owner, "lapsed", { since });
  await changeNetwork(context.db, (row) => ({ auditors: row.auditors - 1 }));
});

ponder.on("Staking:AuditorSlashed", async ({ event, context }) => {
  const { auditor: owner, amount, prover } = event.args;
  await changeAuditor(context.db, owner, (row) => ({ slashed: row.slashed + amount }));
  await noteAuditor(context.db, event, owner, "slashed", { account: prover, amount });
  await countSlash(context.db, event.block.timestamp, amount);
});

ponder.on("Staking:UnbondingStarted", async ({ event, context }) => {
  const { beneficiary, amount, releaseAt } = event.args;
  await context.db.insert(unbonding).values({
    id: idOf(event),
    beneficiary,
    amount,
    releaseAt,
    time: event.block.timestamp,
    block: event.block.number,
  });
  await context.db
    .insert(staker)
    .values({ staker: beneficiary, unbonded: amount, withdrawn: 0n })
    .onConflictDoUpdate((row) => ({ unbonded: row.unbonded + amount }));
});

ponder.on("Staking:Withdrawn", async ({ event, context }) => {
  const { beneficiary, amount } = event.args;
  await context.db
    .insert(staker)
    .values({ staker: beneficiary, unbonded: 0n, withdrawn: amount })
    .onConflictDoUpdate((row) => ({ withdrawn: row.withdrawn + amount }));
});

async function countSlash(db: Db, time: bigint, amount: bigint): Promise<void> {
  await changeEpoch(db, epochOf(time), (row) => ({ slashed: row.slashed + amount }));
  await changeNetwork(db, (row) => ({ slashed: row.slashed + amount }));
}
