import { ponder } from "ponder:registry";
import {
  account,
  accountMove,
  collection,
  redemption,
  refusal,
  sessionKey,
  statementDay,
  tab,
} from "ponder:schema";
import { cashierAbi } from "@protocol/abi/cashier.ts";
import { REDEMPTION_S } from "@protocol/voucher.ts";
import { decodeErrorResult, type Address, type Hex } from "viem";
import { dayOf, epochOf, numberOf, placeOfEvent, type Db, idOf } from "./context.ts";
import { changeService } from "./services.ts";
import { changeDay } from "./settlement.ts";
import { changeEpoch, changeNetwork } from "./totals.ts";

type Account = (typeof account)["$inferSelect"];
/** Longest stored error of a refused item: a selector and eight words. */
const LONGEST_REASON = 2 + 2 * 260;

async function changeAccount(
  db: Db,
  payer: Address,
  change: (row: Account) => Partial<Account>,
): Promise<void> {
  const fresh: Account = {
    payer,
    free: 0n,
    reserved: 0n,
    deposited: 0n,
    withdrawn: 0n,
    paid: 0n,
    openTabs: 0,
  };
  await db
    .insert(account)
    .values({ ...fresh, ...change(fresh) })
    .onConflictDoUpdate(change);
}

ponder.on("Cashier:Deposited", async ({ event, context }) => {
  const { payer, from, amount } = event.args;
  await changeAccount(context.db, payer, (row) => ({
    free: row.free + amount,
    deposited: row.deposited + amount,
  }));
  await context.db.insert(accountMove).values({
    id: idOf(event),
    payer,
    kind: "deposit",
    from,
    amount,
    ...placeOfEvent(event),
  });
  await changeEpoch(context.db, epochOf(event.block.timestamp), (row) => ({
    deposited: row.deposited + amount,
  }));
  await changeNetwork(context.db, (row) => ({ deposited: row.deposited + amount }));
});

ponder.on("Cashier:Withdrawn", async ({ event, context }) => {
  const { payer, amount } = event.args;
  await changeAccount(context.db, payer, (row) => ({
    free: row.free - amount,
    withdrawn: row.withdrawn + amount,
  }));
  await context.db.insert(accountMove).values({
    id: idOf(event),
    payer,
    kind: "withdrawal",
    from: null,
    amount,
    ...placeOfEvent(event),
  });
  await changeEpoch(context.db, epochOf(event.block.timestamp), (row) => ({
    withdrawn: row.withdrawn + amount,
  }));
  await changeNetwork(context.db, (row) => ({ withdrawn: row.withdrawn + amount }));
});

ponder.on("Cashier:SignerAuthorized", async ({ event, context }) => {
  const { payer, signer, limit, expiresAt } = event.args;
  const row = { limit, expiresAt, revoked: false, time: event.block.timestamp };
  await context.db
    .insert(sessionKey)
    .values({ payer, signer, ...row })
    .onConflictDoUpdate(row);
});

ponder.on("Cashier:SignerRevoked", async ({ event, context }) => {
  const { payer, signer } = event.args;
  await context.db.update(sessionKey, { payer, signer }).set({ revoked: true });
});

ponder.on("Cashier:TabOpened", async ({ event, context }) => {
  const { payer, service, tab: id, collector, signer, limit, expiresAt } = event.args;
  await context.db.insert(tab).values({
    payer,
    number: numberOf(service),
    tab: id,
    collector,
    signer,
    limit,
    state: "open",
    openedAt: event.block.timestamp,
    openedBlock: event.block.number,
    expiresAt,
    redeemableUntil: expiresAt + BigInt(REDEMPTION_S),
    redeemed: 0n,
    paid: 0n,
    redemptions: 0,
    closedAt: null,
    returned: null,
  });
  await changeAccount(context.db, payer, (row) => ({
    free: row.free - limit,
    reserved: row.reserved + limit,
    openTabs: row.openTabs + 1,
  }));
});

ponder.on("Cashier:TabRaised", async ({ event, context }) => {
  const { payer, service, tab: id, limit, expiresAt } = event.args;
  let added = 0n;
  await context.db.update(tab, { payer, number: numberOf(service), tab: id }).set((row) => {
    added = limit - row.limit;
    return { limit, expiresAt, redeemableUntil: expiresAt + BigInt(REDEMPTION_S) };
  });
  await changeAccount(context.db, payer, (row) => ({
    free: row.free - added,
    reserved: row.reserved + added,
  }));
});

ponder.on("Cashier:TabClosing", async ({ event, context }) => {
  const { payer, service, tab: id, redeemableUntil } = event.args;
  await context.db
    .update(tab, { payer, number: numberOf(service), tab: id })
    .set({ state: "closing", redeemableUntil });
});

ponder.on("Cashier:TabClosed", async ({ event, context }) => {
  const { payer, service, tab: id, returned } = event.args;
  let limit = 0n;
  await context.db.update(tab, { payer, number: numberOf(service), tab: id }).set((row) => {
    limit = row.limit;
    return { state: "closed", closedAt: event.block.timestamp, returned };
  });
  await changeAccount(context.db, payer, (row) => ({
    free: row.free + returned,
    reserved: row.reserved - limit,
    openTabs: row.openTabs - 1,
  }));
});

ponder.on("Cashier:Redeemed", async ({ event, context }) => {
  const { payer, service, tab: id, cumulative, amount } = event.args;
  const { db } = context;
  const number = numberOf(service);
  const time = event.block.timestamp;
  const epoch = epochOf(time);
  await db.update(tab, { payer, number, tab: id }).set((row) => ({
    redeemed: cumulative,
    paid: row.paid + amount,
    redemptions: row.redemptions + 1,
  }));
  await db.insert(redemption).values({
    id: idOf(event),
    payer,
    number,
    tab: id,
    cumulative,
    amount,
    epoch,
    ...placeOfEvent(event),
  });
  await changeAccount(db, payer, (row) => ({ paid: row.paid + amount }));
  await db
    .insert(statementDay)
    .values({ payer, number, day: dayOf(time), paid: amount, redemptions: 1 })
    .onConflictDoUpdate((row) => ({
      paid: row.paid + amount,
      redemptions: row.redemptions + 1,
    }));
  await changeDay(db, number, time, (row) => ({
    redeemed: row.redeemed + amount,
    redemptions: row.redemptions + 1,
  }));
  await changeService(db, number, (row) => ({ redeemed: row.redeemed + amount }));
  await changeEpoch(db, epoch, (row) => ({
    redeemed: row.redeemed + amount,
    redemptions: row.redemptions + 1,
  }));
  await changeNetwork(db, (row) => ({ redeemed: row.redeemed + amount }));
});

ponder.on("Cashier:RedemptionSkipped", async ({ event, context }) => {
  const { tab: id, reason } = event.args;
  await context.db.insert(refusal).values({
    id: idOf(event),
    tab: id,
    error: errorName(reason),
    reason: reason.slice(0, LONGEST_REASON) as Hex,
    ...placeOfEvent(event),
  });
});

ponder.on("Cashier:Collected", async ({ event, context }) => {
  const { service, payout, paid, fee } = event.args;
  const number = numberOf(service);
  const time = event.block.timestamp;
  await context.db
    .insert(collection)
    .values({ id: idOf(event), number, payout, paid, fee, ...placeOfEvent(event) });
  await changeService(context.db, number, (row) => ({
    collected: row.collected + paid + fee,
    collectedFees: row.collectedFees + fee,
  }));
  await changeDay(context.db, number, time, (row) => ({
    collected: row.collected + paid,
    fees: row.fees + fee,
  }));
  await changeEpoch(context.db, epochOf(time), (row) => ({
    collected: row.collected + paid,
    fees: row.fees + fee,
  }));
  await changeNetwork(context.db, (row) => ({ fees: row.fees + fee }));
});

ponder.on("Cashier:FeesForwarded", async ({ event, context }) => {
  const { burned, contributed } = event.args;
  await changeNetwork(context.db, (row) => ({
    feesBurned: row.feesBurned + burned,
    feesContributed: row.feesContributed + contributed,
  }));
});

/** The name of the contract's error, or its selector. */
function errorName(reason: Hex): string {
  try {
    return decodeErrorResult({ abi: cashierAbi, data: reason }).errorName;
  } catch {
    return reason.slice(0, 10); // An error of another contract's ABI: its selector still tells it apart.
  }
}
