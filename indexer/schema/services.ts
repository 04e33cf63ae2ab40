import { index, onchainTable, primaryKey } from "ponder";

/** Classes of services: the registry's parameters, as they are in the contract. */
export const serviceKind = onchainTable("service_kind", (t) => ({
  classId: t.integer().primaryKey(),
  name: t.text().notNull(),
  open: t.boolean().notNull(),
  minimumStake: t.bigint().notNull(),
  maximumStake: t.bigint().notNull(),
  registrationFee: t.bigint().notNull(),
  excellentMs: t.integer().notNull(),
  goodMs: t.integer().notNull(),
  poorMs: t.integer().notNull(),
  verifier: t.hex().notNull(),
}));

/** A registered service, with its newest settings. A setting counts from the epoch in `…Since` on. */
export const service = onchainTable(
  "service",
  (t) => ({
    number: t.bigint().primaryKey(),
    /** The 32-byte ID of the root service. */
    serviceId: t.hex().notNull(),
    owner: t.hex().notNull(),
    classId: t.integer().notNull(),
    registeredAt: t.bigint().notNull(),
    registeredBlock: t.bigint().notNull(),

    /** Null while the service is keyless. */
    key: t.hex(),
    keySince: t.integer().notNull(),
    /** A stranger's text, at most 256 bytes. */
    metadata: t.text().notNull(),
    /** A stranger's text, at most 1,024 bytes; null if the bytes are no UTF-8. */
    probe: t.text(),
    probeSince: t.integer().notNull(),
    /** Null: the owner is paid. */
    payout: t.hex(),
    label: t.text(),

    /** `Retired`, `Suspended`, `Maintenance`, `Keyless`, `Unstaked` or `Active`, once all changes count. */
    status: t.text().notNull(),
    active: t.boolean().notNull(),
    activeSince: t.integer().notNull(),
    maintenance: t.boolean().notNull(),
    suspended: t.boolean().notNull(),
    retired: t.boolean().notNull(),

    /** Null before the service was first active; kept while it is inactive. */
    slot: t.bigint(),
    shard: t.bigint(),
    lane: t.integer(),
    slotSince: t.integer(),

    stake: t.bigint().notNull(),
    stakeSince: t.integer().notNull(),
    /** Slashed by challenges, so far. */
    slashed: t.bigint().notNull(),

    /** The newest verdict with a quorum, and its epoch. */
    verdict: t.integer(),
    verdictEpoch: t.integer(),
    /** The verdict with a quorum before that. */
    verdictBefore: t.integer(),
    verdictBeforeEpoch: t.integer(),

    /** Emission paid by `settle`, so far. */
    rewards: t.bigint().notNull(),
    /** The last epoch with a `Settled` event. */
    settledEpoch: t.integer(),

    /** Paid by users: redeemed, so far; of that, collected and the fee of the collections. */
    redeemed: t.bigint().notNull(),
    collected: t.bigint().notNull(),
    collectedFees: t.bigint().notNull(),

    openChallenge: t.bigint(),
    challenges: t.integer().notNull(),
    unansweredChallenges: t.integer().notNull(),
  }),
  (table) => ({
    owner: index().on(table.owner),
    label: index().on(table.label),
    verdict: index().on(table.verdict),
    stake: index().on(table.stake),
    class: index().on(table.classId),
    shard: index().on(table.shard, table.lane),
  }),
);

/** What happened to a service, in order: one row for each event that names it, verdicts and payments apart. */
export const serviceEvent = onchainTable(
  "service_event",
  (t) => ({
    /** Rises with block and log. */
    id: t.text().primaryKey(),
    number: t.bigint().notNull(),
    /** `registered`, `transferred`, `key`, `probe`, `metadata`, `payout`, `maintenance`, `suspended`, … */
    kind: t.text().notNull(),
    /** The first epoch in which the change counts; null if it counts at once. */
    since: t.integer(),
    /** The epoch of the block. */
    epoch: t.integer().notNull(),
    time: t.bigint().notNull(),
    block: t.bigint().notNull(),
    transaction: t.hex().notNull(),
    /** The account that the event names: new owner, key, payout, challenger, staker. */
    account: t.hex(),
    /** BLOC in wei: stake, slash, part of a bond. */
    amount: t.bigint(),
    /** `on`, `off`, a label, the number of a challenge, the last epoch of a run of FAILED. */
    detail: t.text(),
  }),
  (table) => ({ number: index().on(table.number, table.id) }),
);

/** The stake of a service, by the epoch from which it counts. */
export const serviceStake = onchainTable(
  "service_stake",
  (t) => ({
    number: t.bigint().notNull(),
    since: t.integer().notNull(),
    stake: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.number, table.since] }) }),
);

/** The last record that was announced for a service; anyone may announce anything. */
export const announcement = onchainTable("announcement", (t) => ({
  number: t.bigint().primaryKey(),
  record: t.hex().notNull(),
  time: t.bigint().notNull(),
  block: t.bigint().notNull(),
  from: t.hex().notNull(),
  /** Whether the record names this service and is signed by its newest key. */
  proven: t.boolean().notNull(),
  issuedAt: t.bigint(),
  expiresAt: t.bigint(),
  /** `[{uri, priority, weight}]` of a proven record: at most 16, each URI at most 512 characters. */
  endpoints: t.json(),
}));

/** Labels; a label is taken once, for ever. */
export const label = onchainTable(
  "label",
  (t) => ({
    label: t.text().primaryKey(),
    number: t.bigint().notNull(),
    time: t.bigint().notNull(),
    block: t.bigint().notNull(),
    transaction: t.hex().notNull(),
  }),
  (table) => ({ number: index().on(table.number) }),
);

/** Slots of the audits: the holder, and the one before it. */
export const slot = onchainTable("slot", (t) => ({
  slot: t.bigint().primaryKey(),
  number: t.bigint().notNull(),
  since: t.integer().notNull(),
  previous: t.bigint(),
  previousSince: t.integer(),
  released: t.boolean().notNull(),
}));

/** Challenges. */
export const challenge = onchainTable(
  "challenge",
  (t) => ({
    id: t.bigint().primaryKey(),
    number: t.bigint().notNull(),
    challenger: t.hex().notNull(),
    /** The key that must answer. */
    key: t.hex().notNull(),
    epoch: t.integer().notNull(),
    openedAt: t.bigint().notNull(),
    openedBlock: t.bigint().notNull(),
    /** `open`, `answered`, `unanswered` or `annulled`. */
    state: t.text().notNull(),
    closedAt: t.bigint(),
    closedBlock: t.bigint(),
    /** Part of the bond that an answer earned. */
    amount: t.bigint(),
    slashed: t.bigint(),
    resolver: t.hex(),
  }),
  (table) => ({
    number: index().on(table.number, table.id),
    state: index().on(table.state),
    challenger: index().on(table.challenger),
  }),
);
