import { expect } from "chai";
import { erc20Abi, parseEther } from "viem";
import { Challenges } from "../../src/chain/challenges.ts";
import { sender } from "../../devnet/cast.ts";
import { devKey } from "../../devnet/devnet.ts";
import type { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { KeeperRig } from "../support/keeperRig.ts";

const WINDOW = 300;
const BOND = parseEther("50");
/** Of 10,000 BLOC, a ten-thousandth; half of it is the reporter's. */
const REPORT_REWARD = parseEther("0.5");
const [KEEPER, RIVAL] = [devKey(12), devKey(13)];
/** More ether than these tests could give away. */
const GENEROUS = parseEther("10");

describe("a keeper's duties, on a chain", () => {
  let chain: AuditedChain;
  let challenges: Challenges;

  const challenge = async (by: TransactionSender, number: bigint) => {
    const { token, challengeBook } = chain.deployment.contracts;
    const args = [challengeBook, BOND] as const;
    await by.send({ address: token, abi: erc20Abi, functionName: "approve", args });
    const call = { ...chain.contracts.challengeBook, functionName: "challenge", args: [number] };
    await by.send(call);
    return (await challenges.open(number))!;
  };
  const pass = async (seconds: number) => {
    const request = chain.client.request as (call: object) => Promise<unknown>;
    await request({ method: "evm_setNextBlockTimestamp", params: [seconds] });
    await request({ method: "evm_mine" });
  };

  before(async () => {
    chain = await AuditedChain.start({
      services: [4_000, 2_000],
      auditors: [10_000, 10_000, 10_000],
      challengeWindow: WINDOW,
    });
    challenges = new Challenges(chain.client, chain.deployment);
    for (const { address } of [chain.stranger, KEEPER]) await chain.fund(address, 1_000);
    // The third commits in the second epoch that it counts in, and vanishes.
    await chain.play(FIRST, FIRST, { 1: 3, 2: 0 });
    await chain.enter(FIRST + 1);
    for (const auditor of [0, 1]) await chain.reveal(FIRST, auditor);
  });
  after(() => chain.stop());

  it("a report waits until the round can no longer be revealed, and then pays the keeper", async () => {
    const keeper = new KeeperRig(chain, { key: KEEPER.key });
    const before = await keeper.balance();
    await keeper.round("report");
    expect(await keeper.balance()).to.equal(before);
    await chain.enter(FIRST + 2);
    await keeper.round("report");
    expect(await keeper.balance()).to.equal(before + REPORT_REWARD);
    expect(keeper.heard).to.deep.equal(["done report"]);
    await keeper.round("report");
    expect(await keeper.balance(), "once").to.equal(before + REPORT_REWARD);
  });

  it("a report that costs more gas than it brings is left alone", async () => {
    await chain.commit(FIRST + 2, 2, { 1: 3, 2: 0 });
    await chain.enter(FIRST + 4);
    const poor = new KeeperRig(chain, { key: KEEPER.key, blocPriceWei: 1_000n });
    await poor.round("report");
    expect(poor.heard).to.deep.equal(["skipped report"]);
    await poor.round("report");
    expect(poor.heard, "one look an epoch").to.have.length(1);
  });

  it("of two keepers that meet, one is paid, and the other does not mind", async () => {
    const [first, second] = [KEEPER, RIVAL].map(({ key }) => new KeeperRig(chain, { key }));
    const before = (await first!.balance()) + (await second!.balance());
    await Promise.all([first!.round("report"), second!.round("report")]);
    const after = (await first!.balance()) + (await second!.balance());
    expect(after - before).to.equal(REPORT_REWARD);
    const done = [first!, second!].flatMap(({ heard }) => heard);
    // On a busy machine the other has sent before it could see that.
    expect(done.filter((each) => each !== "lost report")).to.deep.equal(["done report"]);
  });

  it("an unanswered challenge of another's is resolved for a fifth of the slash", async () => {
    const id = await challenge(chain.stranger, 1n);
    const { epoch } = await chain.moment();
    await chain.enter(epoch + 1);
    const { deadline } = (await challenges.question(id))!;
    const keeper = new KeeperRig(chain, { key: KEEPER.key });
    const before = await keeper.balance();
    await keeper.round("resolve");
    expect((await challenges.get(id)).state).to.equal("Open");
    await pass(deadline + 1);
    const poor = new KeeperRig(chain, { key: RIVAL.key, blocPriceWei: 1_000n });
    await poor.round("resolve");
    expect(poor.heard, "not worth its gas").to.deep.equal(["skipped resolve"]);
    await keeper.round("resolve");
    expect((await challenges.get(id)).state).to.equal("Unanswered");
    expect(await keeper.balance()).to.equal(before + parseEther("16"));
    expect(await chain.services.statusNow(1n)).to.equal("Suspended");
    expect(keeper.heard).to.deep.equal(["done resolve"]);
  });

  it("a challenge of the keeper's own pays, also where no seed was recorded for it", async () => {
    const id = await challenge(sender(chain.stage, KEEPER.key), 2n);
    const { epoch } = await chain.moment();
    const keeper = new KeeperRig(chain, { key: KEEPER.key });
    const before = await keeper.balance();
    await chain.enter(epoch + 3, { tick: false });
    await keeper.round("resolve");
    expect((await challenges.get(id)).state).to.equal("Open");
    await chain.enter(epoch + 4);
    await keeper.round("resolve");
    expect((await challenges.get(id)).state).to.equal("Annulled");
    expect(await keeper.balance()).to.equal(before + BOND);
  });

  it("a service FAILED in eight epochs is suspended", async () => {
    const { epoch } = await chain.moment();
    const keeper = new KeeperRig(chain, { key: KEEPER.key, unpaidWeiPerDay: GENEROUS });
    await chain.play(epoch + 1, epoch + 8, { 2: 0 });
    await keeper.round("suspend");
    expect(keeper.heard, "seven are not enough").to.deep.equal([]);
    // A shard has its turn in every fourth epoch.
    await chain.play(epoch + 9, epoch + 12, { 2: 0 });
    for (let next = epoch + 10; keeper.heard.length === 0 && next <= epoch + 14; next++) {
      await keeper.round("suspend");
      if (keeper.heard.length === 0) await chain.enter(next + 3);
    }
    expect(keeper.heard).to.deep.equal(["done suspend"]);
    expect(await chain.services.statusNow(2n)).to.equal("Suspended");
  });

  it("pay that waits is settled for a service whose agent does not run, once", async () => {
    const owner = chain.owner(1).address;
    const { settlement } = chain.contracts;
    const token = { address: chain.deployment.contracts.token, abi: erc20Abi } as const;
    const balance = () =>
      chain.client.readContract({ ...token, functionName: "balanceOf", args: [owner] });
    const settled = () =>
      chain.client.readContract({ ...settlement, functionName: "settledThrough", args: [1n] });
    const before = await balance();
    const options = { unpaidWeiPerDay: GENEROUS, settleAfterEpochs: 4 };
    const keeper = new KeeperRig(chain, { key: KEEPER.key, ...options });
    await keeper.round("settle");
    const { epoch } = await chain.moment();
    expect(await balance()).to.be.greaterThan(before);
    expect(await settled()).to.be.within(epoch - 3, epoch - 2);
    // The other one has only failed: no transaction for nothing.
    expect(keeper.heard).to.deep.equal(["done settle"]);
    await keeper.round("settle");
    expect(keeper.heard).to.have.length(1);
  });

  it("what an auditor has claimed is collected for it where the keeper was asked to", async () => {
    const { epoch } = await chain.moment();
    await chain.own(2, "reinstate", [2n]);
    await chain.play(epoch + 1, epoch + 3, { 2: 3 });
    await chain.claim(epoch + 1, 0);
    const asked = chain.auditors[0]!.owner;
    const keeper = new KeeperRig(chain, { key: KEEPER.key, collectFor: [asked] });
    await keeper.round("collect");
    expect(keeper.heard).to.deep.equal(["done collect"]);
    const args = [asked] as const;
    const { proofOfService } = chain.contracts;
    expect(
      await chain.client.readContract({ ...proofOfService, functionName: "earnedOf", args }),
    ).to.equal(0n);
  });

  it("auditors that showed nothing for more than 24 epochs are lapsed, and no gas beyond the day's", async () => {
    const { epoch } = await chain.moment();
    for (let next = epoch + 1; next <= epoch + 25; next++) await chain.enter(next);
    const keeper = new KeeperRig(chain, { key: KEEPER.key, unpaidWeiPerDay: GENEROUS });
    await keeper.round("lapse");
    expect(keeper.heard.filter((heard) => heard !== "done lapse")).to.deep.equal([]);
    await chain.enter(epoch + 27);
    await chain.enter(epoch + 28);
    const scant = new KeeperRig(chain, { key: RIVAL.key, unpaidWeiPerDay: 1n });
    await scant.round("lapse");
    expect(new Set(scant.heard)).to.deep.equal(new Set(["skipped lapse"]));
    await keeper.round("lapse");
    const { staking } = chain.contracts;
    for (const { owner } of chain.auditors) {
      const args = [owner] as const;
      const [, since] = await chain.client.readContract({
        ...staking,
        functionName: "auditorStake",
        args,
      });
      expect(since, "not enrolled").to.equal(0);
    }
    expect(keeper.heard).to.deep.equal(["done lapse", "done lapse", "done lapse"]);
    await keeper.round("lapse");
    expect(keeper.heard).to.have.length(3);
  });
});
