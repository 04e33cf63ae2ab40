import { index, onchainTable, primaryKey } from "ponder";

/** A payer's account at the Cashier. */
export const account = onchainTable("account", (t) => ({
  payer: t.hex().primaryKey(),
  free: t.bigint().notNull(),
  /** The limits of its open tabs. */
  reserved: t.bigint().notNull(),
  deposited: t.bigint().notNull(),
  withdrawn: t.bigint().notNull(),
  /** Redeemed by services, so far. */
  paid: t.bigint().notNull(),
  openTabs: t.integer().notNull(),
}));

/** A deposit or a withdrawal. */
export const accountMove = onchainTable(
  "account_move",
  (t) => ({
    id: t.text().primaryKey(),
    payer: t.hex().notNull(),
    /** `deposit` or `withdrawal`. */
    kind: t.text().notNull(),
    /** The account that the BLOC of a deposit came from. */
    from: t.hex(),
    amount: t.bigint().notNull(),
    time: t.bigint().notNull(),
    block: t.bigint().notNull(),
    transaction: t.hex().notNull(),
  }),
  (table) => ({ payer: index().on(table.payer, table.id) }),
);

/** A tab of a payer with a service. */
export const tab = onchainTable(
  "tab",
  (t) => ({
    payer: t.hex().notNull(),
    number: t.bigint().notNull(),
    tab: t.hex().notNull(),
    collector: t.hex().notNull(),
    signer: t.hex().notNull(),
    limit: t.bigint().notNull(),
    /** `open`, `closing` or `closed`. */
    state: t.text().notNull(),
    openedAt: t.bigint().notNull(),
    openedBlock: t.bigint().notNull(),
    /** Last second of serving, and last second of redemption. */
    expiresAt: t.bigint().notNull(),
    redeemableUntil: t.bigint().notNull(),
    /** The highest cumulative amount redeemed; `paid` is what services got of it. */
    redeemed: t.bigint().notNull(),
    paid: t.bigint().notNull(),
    redemptions: t.integer().notNull(),
    closedAt: t.bigint(),
    returned: t.bigint(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.payer, table.number, table.tab] }),
    number: index().on(table.number, table.state),
    payer: index().on(table.payer, table.state),
    collector: index().on(table.collector, table.state),
    tab: index().on(table.tab),
  }),
);

/** A redemption of a voucher. */
export const redemption = onchainTable(
  "redemption",
  (t) => ({
    id: t.text().primaryKey(),
    payer: t.hex().notNull(),
    number: t.bigint().notNull(),
    tab: t.hex().notNull(),
    cumulative: t.bigint().notNull(),
    amount: t.bigint().notNull(),
    epoch: t.integer().notNull(),
    time: t.bigint().notNull(),
    block: t.bigint().notNull(),
    transaction: t.hex().notNull(),
  }),
  (table) => ({
    payer: index().on(table.payer, table.id),
    number: index().on(table.number, table.id),
    tab: index().on(table.tab, table.id),
  }),
);

/** Items of a batch that were not redeemed, with the contract's error. */
export const refusal = onchainTable(
  "refusal",
  (t) => ({
    id: t.text().primaryKey(),
    tab: t.hex().notNull(),
    /** The name of the error, or its selector; the error itself, at most 260 bytes. */
    error: t.text().notNull(),
    reason: t.hex().notNull(),
    time: t.bigint().notNull(),
    block: t.bigint().notNull(),
    transaction: t.hex().notNull(),
  }),
  (table) => ({ tab: index().on(table.tab, table.id) }),
);

/** The statement of a payer: what a service was paid on a day (`day` counts days of UTC since 1970). */
export const statementDay = onchainTable(
  "statement_day",
  (t) => ({
    payer: t.hex().notNull(),
    number: t.bigint().notNull(),
    day: t.integer().notNull(),
    paid: t.bigint().notNull(),
    redemptions: t.integer().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.payer, table.number, table.day] }),
    day: index().on(table.payer, table.day),
  }),
);

/** The earnings of a service on a day: from users, and from the emission. */
export const serviceDay = onchainTable(
  "service_day",
  (t) => ({
    number: t.bigint().notNull(),
    day: t.integer().notNull(),
    redeemed: t.bigint().notNull(),
    redemptions: t.integer().notNull(),
    collected: t.bigint().notNull(),
    fees: t.bigint().notNull(),
    rewards: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.number, table.day] }) }),
);

/** A collection of what a service earned from users. */
export const collection = onchainTable(
  "collection",
  (t) => ({
    id: t.text().primaryKey(),
    number: t.bigint().notNull(),
    payout: t.hex().notNull(),
    paid: t.bigint().notNull(),
    fee: t.bigint().notNull(),
    time: t.bigint().notNull(),
    block: t.bigint().notNull(),
    transaction: t.hex().notNull(),
  }),
  (table) => ({ number: index().on(table.number, table.id) }),
);

/** Keys that a payer authorized to open tabs. */
export const sessionKey = onchainTable(
  "session_key",
  (t) => ({
    payer: t.hex().notNull(),
    signer: t.hex().notNull(),
    limit: t.bigint().notNull(),
    expiresAt: t.bigint().notNull(),
    revoked: t.boolean().notNull(),
    time: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.payer, table.signer] }) }),
);
