import { expect } from "chai";
import { parseEther } from "viem";
import { readAuditorHistory } from "../../../src/chain/views/auditorRounds.ts";
import { readAuditorView } from "../../../src/chain/views/auditorView.ts";
import { readSpending } from "../../../src/chain/views/spending.ts";
import { sender } from "../../../devnet/cast.ts";
import { devKey } from "../../../devnet/devnet.ts";
import { AuditedChain, FIRST } from "../../support/auditedChain.ts";
import { rejection } from "../../support/rejection.ts";

const STAKE = parseEther("10000");

describe("views of auditors", () => {
  let chain: AuditedChain;

  const view = async (index: number) =>
    readAuditorView(chain.client, chain.deployment, {
      auditor: chain.auditors[index]!.owner,
      moment: await chain.moment(),
    });
  const history = async (index: number, last = 20) =>
    readAuditorHistory(chain.client, chain.deployment, {
      auditor: chain.auditors[index]!.owner,
      moment: await chain.moment(),
      last,
    });

  before(async () => {
    chain = await AuditedChain.start({ services: [1_000, 1_000], auditors: [10_000, 20_000] });
  });
  after(() => chain.stop());

  it("one that has just enrolled waits for two epochs", async () => {
    const shown = await view(0);
    expect(shown).to.deep.include({
      stake: STAKE,
      counted: { now: 0n, next: STAKE },
      enrolledSince: FIRST,
      operator: chain.auditors[0]!.operator,
      chain: { pendingSince: FIRST, epochsLeft: undefined },
      earned: 0n,
    });
    expect(shown.lapse).to.deep.include({ lastSeen: FIRST, missed: 0 });
    expect(shown.operatorBalance).to.be.greaterThan(0n);
  });

  it("an address that never enrolled is no error", async () => {
    const auditor = devKey(19).address;
    const moment = await chain.moment();
    const shown = await readAuditorView(chain.client, chain.deployment, { auditor, moment });
    expect(shown).to.deep.include({ stake: 0n, operator: undefined, lapse: undefined });
  });

  it("it then counts by its share, and its rounds show how far they came", async () => {
    await chain.play(FIRST, FIRST + 2, { 1: 3, 2: 0 });
    // The second one reveals nothing from here on.
    await chain.enter(FIRST + 3);
    await chain.reveal(FIRST + 2, 0);
    await chain.enter(FIRST + 4);
    await chain.claim(FIRST, 0);
    await chain.claim(FIRST + 1, 0);

    const shown = await view(0);
    expect(shown.counted.now).to.equal(STAKE);
    expect(shown.total).to.equal(3n * STAKE);
    expect(shown.expectedWeight.toFixed(6)).to.equal("2.333333");
    expect(shown.chain.epochsLeft).to.equal(16_384 - (FIRST + 4 - (FIRST - 1)));
    expect(shown.lapse).to.deep.include({ lastSeen: FIRST + 2, missed: 0 });

    const { rounds, collected, blocks } = await history(0);
    expect(collected).to.equal(0n);
    expect(blocks.from).to.be.lessThan(blocks.to);
    const [, first, , third, , newest] = rounds;
    expect(first).to.include({ epoch: FIRST, counted: true, committed: true, reported: false });
    expect(first).to.include({ revealed: 1, claimed: 1, votes: 2, risk: 0n });
    expect(first!.reward).to.be.greaterThan(0n);
    expect(third).to.include({ revealed: 1, claimed: 0, paidVotes: 0, reward: 0n });
    expect(newest).to.include({ epoch: FIRST + 4, committed: false, risk: 0n });
    const earned = rounds.reduce((sum, { reward }) => sum + reward, 0n);
    expect(shown.earned).to.equal(earned);
  });

  it("a round that was not revealed shows what a report would cost, and then that it was reported", async () => {
    const before = (await history(1)).rounds.find(({ epoch }) => epoch === FIRST + 2);
    expect(before).to.include({ committed: true, revealed: 0, risk: parseEther("2") });
    const { proofOfService } = chain.contracts;
    const args = [chain.auditors[1]!.owner, FIRST + 2];
    await chain.stranger.send({ ...proofOfService, functionName: "report", args });
    const after = (await history(1)).rounds.find(({ epoch }) => epoch === FIRST + 2);
    expect(after).to.include({ reported: true, risk: 0n });
  });

  it("gas is what the operator paid, by the epoch in which it did, and its ticks are counted", async () => {
    const { owner, operator } = chain.auditors[0]!;
    const collect = {
      ...chain.contracts.proofOfService,
      functionName: "collect",
      args: [owner],
    };
    // Anybody may: what a stranger pays is no spending of the operator.
    await chain.stranger.send(collect);
    const { transactions, blocks, collected, rounds } = await history(0);
    expect(collected).to.equal(rounds.reduce((sum, { reward }) => sum + reward, 0n));
    const spending = await readSpending(chain.client, chain.deployment, {
      operator,
      transactions,
      blocks,
    });
    // Three commitments, three reveals, two claims.
    expect(spending).to.include({ transactions: 8, ticks: 0 });
    const balance = await chain.client.getBalance({ address: operator });
    expect(balance + spending.wei).to.equal(parseEther("10000"));
    expect([...spending.weiByEpoch.keys()].sort()).to.deep.equal([2, 3, 4, 5, 6]);
    const byEpoch = [...spending.weiByEpoch.values()].reduce((sum, wei) => sum + wei, 0n);
    expect(byEpoch).to.equal(spending.wei);

    const stranger = chain.stranger.address;
    const others = await readSpending(chain.client, chain.deployment, {
      operator: stranger,
      transactions,
      blocks,
    });
    expect(others.ticks).to.equal(5);
    expect(others.transactions).to.equal(6);
  });

  it("a receipt that the endpoint has dropped is named, with what to do", async () => {
    const { operator } = chain.auditors[0]!;
    const { blocks } = await history(0);
    const transactions = new Map([[`0x${"5e".repeat(32)}` as const, blocks.to]]);
    const input = { operator, transactions, blocks };
    await rejection("RECEIPT_MISSING", readSpending(chain.client, chain.deployment, input));
  });

  it("the epochs until it can be lapsed count down, and hold to the contract's own count", async () => {
    const { epoch } = await chain.moment();
    const lapse = { ...chain.contracts.proofOfService, functionName: "lapse" };
    const [first] = [chain.auditors[0]!.owner];
    const predicted = (await view(0)).lapse!.lapsableFrom;
    expect(predicted).to.be.greaterThan(epoch + 20);
    for (let next = epoch + 1; next < predicted; next++) await chain.enter(next);
    expect((await view(0)).lapse).to.include({ lapsableFrom: predicted });
    const visitor = sender(chain.stage, devKey(12).key);
    const failure = await visitor
      .send({ ...lapse, args: [first] })
      .catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error);
    await chain.enter(predicted);
    expect((await view(0)).lapse).to.include({ lapsableFrom: predicted, missed: 25 });
    await visitor.send({ ...lapse, args: [first] });
    expect((await view(0)).enrolledSince).to.equal(0);
  });
});
