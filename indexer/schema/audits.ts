import { index, onchainTable, primaryKey } from "ponder";

/** An epoch: its seed and budgets, what was audited in it, and what flowed while it lasted. */
export const epoch = onchainTable("epoch", (t) => ({
  epoch: t.integer().primaryKey(),
  /** Unix seconds. */
  startsAt: t.bigint().notNull(),
  /** Null until the tick. */
  seed: t.hex(),
  tickedAt: t.bigint(),
  tickedBlock: t.bigint(),

  /** Budgets of the tick, BLOC in wei. */
  providersBudget: t.bigint().notNull(),
  auditorsBudget: t.bigint().notNull(),
  contributed: t.bigint().notNull(),
  bounty: t.bigint().notNull(),
  activeStake: t.bigint().notNull(),
  enrolledStake: t.bigint().notNull(),
  activeServices: t.integer().notNull(),

  /** Rounds of this audited epoch. */
  committed: t.integer().notNull(),
  revealed: t.integer().notNull(),
  claimed: t.integer().notNull(),
  reported: t.integer().notNull(),
  votes: t.integer().notNull(),
  paidVotes: t.integer().notNull(),
  /** Votes whose words are not in the calldata: no row of `report` holds them. */
  unreadVotes: t.integer().notNull(),

  /** Verdicts with a quorum, by grade. */
  failed: t.integer().notNull(),
  poor: t.integer().notNull(),
  good: t.integer().notNull(),
  excellent: t.integer().notNull(),

  /** Pay for this audited epoch, so far. */
  auditorsPaid: t.bigint().notNull(),
  providersPaid: t.bigint().notNull(),
  settledServices: t.integer().notNull(),

  /** While the epoch lasted: gas of ticks, commitments, reveals, claims and payouts, and their fees in wei. */
  auditGas: t.bigint().notNull(),
  auditFees: t.bigint().notNull(),
  auditTransactions: t.integer().notNull(),
  /** Votes revealed while the epoch lasted; `auditGas` over this is the gas of an audit. */
  votesRevealed: t.integer().notNull(),

  /** While the epoch lasted, through the Cashier. */
  deposited: t.bigint().notNull(),
  withdrawn: t.bigint().notNull(),
  redeemed: t.bigint().notNull(),
  redemptions: t.integer().notNull(),
  collected: t.bigint().notNull(),
  fees: t.bigint().notNull(),

  registered: t.integer().notNull(),
  challenged: t.integer().notNull(),
  slashed: t.bigint().notNull(),
}));

/** A service in an audited epoch: the votes by grade, the verdict, and the pay. */
export const round = onchainTable(
  "round",
  (t) => ({
    number: t.bigint().notNull(),
    epoch: t.integer().notNull(),
    /** Null if no vote was revealed: the pay then follows an earlier verdict. */
    shard: t.bigint(),
    lane: t.integer(),
    /** Weight counted for each grade. */
    failed: t.integer().notNull(),
    poor: t.integer().notNull(),
    good: t.integer().notNull(),
    excellent: t.integer().notNull(),
    /** Auditors that voted. */
    votes: t.integer().notNull(),
    /** The median; null without a quorum. */
    verdict: t.integer(),
    /** The grade that was paid, and the pay; null until it is settled. */
    settledGrade: t.integer(),
    reward: t.bigint(),
    settledAt: t.bigint(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.number, table.epoch] }),
    epoch: index().on(table.epoch, table.verdict),
  }),
);

/** A report word: an auditor's votes on a shard. */
export const report = onchainTable(
  "report",
  (t) => ({
    epoch: t.integer().notNull(),
    shard: t.bigint().notNull(),
    auditor: t.hex().notNull(),
    chunk: t.integer().notNull(),
    /** 15 characters, one a lane: `0` to `3` the grade, `-` no vote. */
    votes: t.text().notNull(),
    /** The drawn weight, and as much of it as counted. */
    weight: t.integer().notNull(),
    counted: t.integer().notNull(),
    time: t.bigint().notNull(),
    transaction: t.hex().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.epoch, table.shard, table.auditor] }),
    auditor: index().on(table.auditor, table.epoch),
  }),
);

/** A shard in an epoch: the weight counted, of at most 15. */
export const auditedShard = onchainTable(
  "audited_shard",
  (t) => ({
    epoch: t.integer().notNull(),
    shard: t.bigint().notNull(),
    counted: t.integer().notNull(),
    reports: t.integer().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.epoch, table.shard] }) }),
);

/** An auditor, by the owner address. */
export const auditor = onchainTable(
  "auditor",
  (t) => ({
    auditor: t.hex().primaryKey(),
    operator: t.hex(),
    tip: t.hex(),
    tipSince: t.integer(),
    stake: t.bigint().notNull(),
    stakeSince: t.integer().notNull(),
    /** The newest stakes by the epoch from which they count: `[[since, "wei"]]`. */
    stakes: t.json().$type<[number, string][]>().notNull(),
    enrolled: t.boolean().notNull(),
    /** From this epoch on it is enrolled, or not. */
    enrolledSince: t.integer(),
    slashed: t.bigint().notNull(),

    lastCommitted: t.integer(),
    lastRevealed: t.integer(),
    committed: t.integer().notNull(),
    revealed: t.integer().notNull(),
    reported: t.integer().notNull(),
    votes: t.integer().notNull(),
    paidVotes: t.integer().notNull(),
    /** Claimed, and of that paid out to the owner. */
    earned: t.bigint().notNull(),
    collected: t.bigint().notNull(),
  }),
  (table) => ({
    operator: index().on(table.operator),
    stake: index().on(table.stake),
    enrolled: index().on(table.enrolled),
  }),
);

/** A round of an auditor. */
export const auditorRound = onchainTable(
  "auditor_round",
  (t) => ({
    auditor: t.hex().notNull(),
    epoch: t.integer().notNull(),
    /** `committed`, `revealed`, `claimed` or `reported`. */
    state: t.text().notNull(),
    /** From the commitment's calldata; null if it is not there. */
    commitment: t.hex(),
    committedAt: t.bigint().notNull(),
    committedBlock: t.bigint().notNull(),
    /** Chunks of the round, known from the first reveal on. */
    chunks: t.integer(),
    chunksRevealed: t.integer().notNull(),
    chunksClaimed: t.integer().notNull(),
    votes: t.integer().notNull(),
    paidVotes: t.integer().notNull(),
    reward: t.bigint().notNull(),
    /** First and last epoch in which it can be claimed. */
    claimFrom: t.integer().notNull(),
    claimBy: t.integer().notNull(),
    revealedAt: t.bigint(),
    claimedAt: t.bigint(),
    reporter: t.hex(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.auditor, table.epoch] }),
    epoch: index().on(table.epoch),
    state: index().on(table.auditor, table.state, table.claimBy),
  }),
);

/** What happened to an auditor, rounds apart: stake, enrolment, keys, slashes, payouts. */
export const auditorEvent = onchainTable(
  "auditor_event",
  (t) => ({
    id: t.text().primaryKey(),
    auditor: t.hex().notNull(),
    /** `stake`, `enrolled`, `lapsed`, `tip`, `operator`, `slashed`, `reported`, `collected`. */
    kind: t.text().notNull(),
    since: t.integer(),
    epoch: t.integer().notNull(),
    time: t.bigint().notNull(),
    block: t.bigint().notNull(),
    transaction: t.hex().notNull(),
    account: t.hex(),
    amount: t.bigint(),
  }),
  (table) => ({ auditor: index().on(table.auditor, table.id) }),
);

/** Transactions of the audits, once each, with their gas. */
export const auditTransaction = onchainTable(
  "audit_transaction",
  (t) => ({
    hash: t.hex().primaryKey(),
    from: t.hex().notNull(),
    epoch: t.integer().notNull(),
    time: t.bigint().notNull(),
    block: t.bigint().notNull(),
    gas: t.bigint().notNull(),
    /** Wei of the chain's coin. */
    fee: t.bigint().notNull(),
    events: t.integer().notNull(),
  }),
  (table) => ({ from: index().on(table.from, table.epoch) }),
);

/** Stake on its way out: paid by `withdraw…` once `releaseAt` is over. */
export const unbonding = onchainTable(
  "unbonding",
  (t) => ({
    id: t.text().primaryKey(),
    beneficiary: t.hex().notNull(),
    amount: t.bigint().notNull(),
    releaseAt: t.bigint().notNull(),
    time: t.bigint().notNull(),
    block: t.bigint().notNull(),
  }),
  (table) => ({ beneficiary: index().on(table.beneficiary, table.releaseAt) }),
);

/** Accounts with stake on its way out: what began to unbond, and what was paid, so far. */
export const staker = onchainTable("staker", (t) => ({
  staker: t.hex().primaryKey(),
  unbonded: t.bigint().notNull(),
  withdrawn: t.bigint().notNull(),
}));

/** Sums of the whole deployment: one row, `id` is `network`. */
export const network = onchainTable("network", (t) => ({
  id: t.text().primaryKey(),
  services: t.integer().notNull(),
  retiredServices: t.integer().notNull(),
  auditors: t.integer().notNull(),
  serviceStake: t.bigint().notNull(),
  auditorStake: t.bigint().notNull(),
  /** Paid by the reward pool, so far: to auditors, services and tickers. */
  poolPaid: t.bigint().notNull(),
  contributed: t.bigint().notNull(),
  returned: t.bigint().notNull(),
  newestSeed: t.integer(),
  deposited: t.bigint().notNull(),
  withdrawn: t.bigint().notNull(),
  redeemed: t.bigint().notNull(),
  fees: t.bigint().notNull(),
  feesBurned: t.bigint().notNull(),
  feesContributed: t.bigint().notNull(),
  slashed: t.bigint().notNull(),
  openChallenges: t.integer().notNull(),
  /** The registry closes at this time; null if that was not announced. */
  closesAt: t.bigint(),
}));
