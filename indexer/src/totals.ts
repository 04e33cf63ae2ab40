import { epoch, network } from "ponder:schema";
import { deployment } from "./settings.ts";
import type { Db } from "./context.ts";

type Row<T extends { $inferSelect: unknown }> = T["$inferSelect"];

/** Changes the row of an epoch, which begins with zeros. */
export async function changeEpoch(
  db: Db,
  number: number,
  change: (row: Row<typeof epoch>) => Partial<Row<typeof epoch>>,
): Promise<void> {
  const fresh: Row<typeof epoch> = {
    epoch: number,
    startsAt: BigInt(deployment.genesis + number * deployment.epochSeconds),
    seed: null,
    tickedAt: null,
    tickedBlock: null,
    providersBudget: 0n,
    auditorsBudget: 0n,
    contributed: 0n,
    bounty: 0n,
    activeStake: 0n,
    enrolledStake: 0n,
    activeServices: 0,
    committed: 0,
    revealed: 0,
    claimed: 0,
    reported: 0,
    votes: 0,
    paidVotes: 0,
    unreadVotes: 0,
    failed: 0,
    poor: 0,
    good: 0,
    excellent: 0,
    auditorsPaid: 0n,
    providersPaid: 0n,
    settledServices: 0,
    auditGas: 0n,
    auditFees: 0n,
    auditTransactions: 0,
    votesRevealed: 0,
    deposited: 0n,
    withdrawn: 0n,
    redeemed: 0n,
    redemptions: 0,
    collected: 0n,
    fees: 0n,
    registered: 0,
    challenged: 0,
    slashed: 0n,
  };
  await db
    .insert(epoch)
    .values({ ...fresh, ...change(fresh) })
    .onConflictDoUpdate(change);
}

/** Changes the sums of the deployment, which begin with zeros. */
export async function changeNetwork(
  db: Db,
  change: (row: Row<typeof network>) => Partial<Row<typeof network>>,
): Promise<void> {
  const fresh: Row<typeof network> = {
    id: "network",
    services: 0,
    retiredServices: 0,
    auditors: 0,
    serviceStake: 0n,
    auditorStake: 0n,
    poolPaid: 0n,
    contributed: 0n,
    returned: 0n,
    newestSeed: null,
    deposited: 0n,
    withdrawn: 0n,
    redeemed: 0n,
    fees: 0n,
    feesBurned: 0n,
    feesContributed: 0n,
    slashed: 0n,
    openChallenges: 0,
    closesAt: null,
  };
  await db
    .insert(network)
    .values({ ...fresh, ...change(fresh) })
    .onConflictDoUpdate(change);
}
