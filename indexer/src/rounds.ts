import { ponder } from "ponder:registry";
import { auditorRound, auditTransaction, epoch } from "ponder:schema";
import { commitmentIn, chunkIn } from "./calldata.ts";
import { epochOf, type Db } from "./context.ts";
import { changeAuditor, noteAuditor } from "./staking.ts";
import { changeEpoch, changeNetwork } from "./totals.ts";
import { countReports } from "./votes.ts";

/** Epochs from an audited one to the last in which its round can be claimed: the 128 from its second successor on. */
const CLAIM_FROM = 2;
const CLAIM_BY = 129;

/** Counts the gas of a transaction of the audits at its first event. */
async function countGas(
  db: Db,
  event: {
    block: { number: bigint; timestamp: bigint };
    transaction: { hash: `0x${string}`; from: `0x${string}` };
    transactionReceipt: { gasUsed: bigint; effectiveGasPrice: bigint };
  },
): Promise<void> {
  const { hash, from } = event.transaction;
  const { gasUsed, effectiveGasPrice } = event.transactionReceipt;
  const at = epochOf(event.block.timestamp);
  const fee = gasUsed * effectiveGasPrice;
  let isFirst = true;
  await db
    .insert(auditTransaction)
    .values({
      hash,
      from,
      epoch: at,
      time: event.block.timestamp,
      block: event.block.number,
      gas: gasUsed,
      fee,
      events: 1,
    })
    .onConflictDoUpdate((row) => {
      isFirst = false;
      return { events: row.events + 1 };
    });
  if (!isFirst) return;
  await changeEpoch(db, at, (row) => ({
    auditGas: row.auditGas + gasUsed,
    auditFees: row.auditFees + fee,
    auditTransactions: row.auditTransactions + 1,
  }));
}

ponder.on("ProofOfService:TipRegistered", async ({ event, context }) => {
  const { auditor, operator, tip, since } = event.args;
  await changeAuditor(context.db, auditor, () => ({ operator, tip, tipSince: since }));
  await noteAuditor(context.db, event, auditor, "tip", { since, account: operator });
});

ponder.on("ProofOfService:OperatorSet", async ({ event, context }) => {
  const { auditor, operator } = event.args;
  await changeAuditor(context.db, auditor, () => ({ operator }));
  await noteAuditor(context.db, event, auditor, "operator", { account: operator });
});

ponder.on("ProofOfService:Ticked", async ({ event, context }) => {
  const { args, block } = event;
  await countGas(context.db, event);
  await changeEpoch(context.db, args.epoch, () => ({
    seed: args.seed,
    tickedAt: block.timestamp,
    tickedBlock: block.number,
    providersBudget: args.providersBudget,
    auditorsBudget: args.auditorsBudget,
    activeStake: args.activeStake,
    enrolledStake: args.enrolledStake,
    activeServices: args.activeServices,
  }));
  await changeNetwork(context.db, () => ({ newestSeed: args.epoch }));
});

ponder.on("ProofOfService:Committed", async ({ event, context }) => {
  const { auditor, epoch: audited } = event.args;
  await countGas(context.db, event);
  await context.db.insert(auditorRound).values({
    auditor,
    epoch: audited,
    state: "committed",
    commitment: commitmentIn(event.transaction.input, auditor, audited),
    committedAt: event.block.timestamp,
    committedBlock: event.block.number,
    chunks: null,
    chunksRevealed: 0,
    chunksClaimed: 0,
    votes: 0,
    paidVotes: 0,
    reward: 0n,
    claimFrom: audited + CLAIM_FROM,
    claimBy: audited + CLAIM_BY,
    revealedAt: null,
    claimedAt: null,
    reporter: null,
  });
  await changeAuditor(context.db, auditor, (row) => ({
    committed: row.committed + 1,
    lastCommitted: audited,
  }));
  await changeEpoch(context.db, audited, (row) => ({ committed: row.committed + 1 }));
});

ponder.on("ProofOfService:Revealed", async ({ event, context }) => {
  const { auditor, epoch: audited, index } = event.args;
  const { db } = context;
  const votes = Number(event.args.votes);
  await countGas(db, event);
  const round = await db.find(auditorRound, { auditor, epoch: audited });
  const committed = round?.commitment ?? null;
  const chunk = chunkIn(event.transaction.input, auditor, audited, index, committed);

  // Of a round whose calldata cannot be read, the number of chunks is unknown: its first reveal counts as all, and a
  // later one that can be read does not count it again.
  const chunks = chunk?.count ?? round?.chunks ?? null;
  const revealed = (round?.chunksRevealed ?? 0) + 1;
  const isWhole = round?.revealedAt == null && (chunks === null || revealed === chunks);
  await db.update(auditorRound, { auditor, epoch: audited }).set((row) => ({
    chunks,
    chunksRevealed: revealed,
    votes: row.votes + votes,
    ...(isWhole ? { state: "revealed", revealedAt: event.block.timestamp } : {}),
  }));
  await changeAuditor(db, auditor, (row) => ({
    revealed: row.revealed + (isWhole ? 1 : 0),
    votes: row.votes + votes,
    lastRevealed: audited,
  }));
  await changeEpoch(db, audited, (row) => ({
    revealed: row.revealed + (isWhole ? 1 : 0),
    votes: row.votes + votes,
    unreadVotes: row.unreadVotes + (chunk === undefined ? votes : 0),
  }));
  await changeEpoch(db, epochOf(event.block.timestamp), (row) => ({
    votesRevealed: row.votesRevealed + votes,
  }));
  if (chunk === undefined) return;
  const terms = await db.find(epoch, { epoch: audited });
  if (terms?.seed == null) return; // The contract reveals with a recorded seed only.
  await countReports(
    db,
    { ...chunk, auditor, epoch: audited, index },
    { seed: terms.seed, total: terms.enrolledStake },
    event,
  );
});

ponder.on("ProofOfService:Claimed", async ({ event, context }) => {
  const { auditor, epoch: audited, reward } = event.args;
  const paidVotes = Number(event.args.paidVotes);
  await countGas(context.db, event);
  let isWhole = false;
  await context.db.update(auditorRound, { auditor, epoch: audited }).set((row) => {
    const chunksClaimed = row.chunksClaimed + 1;
    isWhole = row.claimedAt === null && (row.chunks === null || chunksClaimed === row.chunks);
    return {
      chunksClaimed,
      paidVotes: row.paidVotes + paidVotes,
      reward: row.reward + reward,
      ...(isWhole ? { state: "claimed", claimedAt: event.block.timestamp } : {}),
    };
  });
  await changeAuditor(context.db, auditor, (row) => ({
    paidVotes: row.paidVotes + paidVotes,
    earned: row.earned + reward,
  }));
  await changeEpoch(context.db, audited, (row) => ({
    claimed: row.claimed + (isWhole ? 1 : 0),
    paidVotes: row.paidVotes + paidVotes,
    auditorsPaid: row.auditorsPaid + reward,
  }));
});

ponder.on("ProofOfService:Collected", async ({ event, context }) => {
  const { auditor, amount } = event.args;
  await countGas(context.db, event);
  await changeAuditor(context.db, auditor, (row) => ({ collected: row.collected + amount }));
  await noteAuditor(context.db, event, auditor, "collected", { amount });
});

ponder.on("ProofOfService:Reported", async ({ event, context }) => {
  const { auditor, epoch: audited, reporter } = event.args;
  await context.db
    .update(auditorRound, { auditor, epoch: audited })
    .set({ state: "reported", reporter });
  await changeAuditor(context.db, auditor, (row) => ({ reported: row.reported + 1 }));
  await changeEpoch(context.db, audited, (row) => ({ reported: row.reported + 1 }));
  await noteAuditor(context.db, event, auditor, "reported", { account: reporter });
});
