import { expect } from "chai";
import { parseEther } from "viem";
import { tickOf } from "../../src/chain/ticks.ts";
import { devKey } from "../../src/demo/devnet.ts";
import type { Chore } from "../../src/keeper/duty.ts";
import { tickChore } from "../../src/keeper/tickDuty.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { KeeperRig } from "../support/keeperRig.ts";

const KEEPER = devKey(12);
/** Of 10,000 BLOC, a ten-thousandth; half of it is the reporter's. */
const REPORT_REWARD = parseEther("0.5");

describe("a keeper's Executor, on a chain", function () {
  this.timeout(120_000);

  let chain: AuditedChain;

  before(async () => {
    chain = await AuditedChain.start({ services: [1_000], auditors: [10_000, 10_000] });
    await chain.enter(FIRST);
  });
  after(() => chain.stop());

  it("of a batch, what fails is lost and keeps nothing else from being done", async () => {
    const { epoch } = await chain.moment();
    for (const auditor of [0, 1]) await chain.commit(epoch, auditor, { 1: 3, 2: 0 });
    await chain.enter(epoch + 2);
    const keeper = new KeeperRig(chain, { key: KEEPER.key });
    const before = await keeper.balance();
    const report = (auditor: number): Chore => ({
      duty: "report",
      call: {
        ...chain.contracts.proofOfService,
        functionName: "report",
        args: [chain.auditors[auditor]!.owner, epoch],
      },
      reward: REPORT_REWARD,
      about: { auditor },
    });
    const sent = () => chain.client.getTransactionCount({ address: KEEPER.address });
    const first = await sent();
    // Each of them would stand by itself; the second is the first one's twin.
    await keeper.offer([report(0), report(0), report(1)]);
    expect(keeper.heard).to.deep.equal(["done report", "lost report", "done report"]);
    expect(await keeper.balance()).to.equal(before + 2n * REPORT_REWARD);
    expect((await sent()) - first, "one transaction").to.equal(1);
  });

  it("a tick that came second counts as lost, though it does not fail", async () => {
    const moment = await chain.moment();
    const tick = await tickOf(chain, moment.epoch, moment);
    const keeper = new KeeperRig(chain, { key: KEEPER.key });
    const before = await keeper.balance();
    await keeper.offer([tickChore(tick, parseEther("1"))]);
    expect(keeper.heard).to.deep.equal(["lost tick"]);
    expect(await keeper.balance()).to.equal(before);
  });
});
