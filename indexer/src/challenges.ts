import { ponder } from "ponder:registry";
import { challenge } from "ponder:schema";
import { epochOf, type Db, type Source } from "./context.ts";
import { changeService, note } from "./services.ts";
import { changeEpoch, changeNetwork } from "./totals.ts";

ponder.on("ChallengeBook:ChallengeOpened", async ({ event, context }) => {
  const { id, number, challenger, key } = event.args;
  const epoch = epochOf(event.block.timestamp);
  await context.db.insert(challenge).values({
    id,
    number,
    challenger,
    key,
    epoch,
    openedAt: event.block.timestamp,
    openedBlock: event.block.number,
    state: "open",
    closedAt: null,
    closedBlock: null,
    amount: null,
    slashed: null,
    resolver: null,
  });
  await changeService(context.db, number, (row) => ({
    openChallenge: id,
    challenges: row.challenges + 1,
  }));
  await note(context.db, event, number, "challenged", { account: challenger, detail: `${id}` });
  await changeEpoch(context.db, epoch, (row) => ({ challenged: row.challenged + 1 }));
  await changeNetwork(context.db, (row) => ({ openChallenges: row.openChallenges + 1 }));
});

ponder.on("ChallengeBook:ChallengeAnswered", async ({ event, context }) => {
  const { id, number, payout, amount } = event.args;
  await close(context.db, event, id, number, { state: "answered", amount });
  await note(context.db, event, number, "answered", { account: payout, amount, detail: `${id}` });
});

ponder.on("ChallengeBook:ChallengeUnanswered", async ({ event, context }) => {
  const { id, number, slashed, resolver } = event.args;
  await close(context.db, event, id, number, { state: "unanswered", slashed, resolver });
  await changeService(context.db, number, (row) => ({
    unansweredChallenges: row.unansweredChallenges + 1,
  }));
  await note(context.db, event, number, "unanswered", {
    account: resolver,
    amount: slashed,
    detail: `${id}`,
  });
});

ponder.on("ChallengeBook:ChallengeAnnulled", async ({ event, context }) => {
  const { id, number } = event.args;
  await close(context.db, event, id, number, { state: "annulled" });
  await note(context.db, event, number, "annulled", { detail: `${id}` });
});

async function close(
  db: Db,
  event: Source,
  id: bigint,
  number: bigint,
  change: Partial<(typeof challenge)["$inferInsert"]>,
): Promise<void> {
  await db
    .update(challenge, { id })
    .set({ ...change, closedAt: event.block.timestamp, closedBlock: event.block.number });
  await changeService(db, number, () => ({ openChallenge: null }));
  await changeNetwork(db, (row) => ({ openChallenges: row.openChallenges - 1 }));
}
