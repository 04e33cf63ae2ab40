import { expect } from "chai";
import { parseEther, type Address } from "viem";
import { tickOf } from "../../src/chain/ticks.ts";
import { devKey } from "../../devnet/devnet.ts";
import type { Chore } from "../../src/keeper/duty.ts";
import { tickChore } from "../../src/keeper/tickDuty.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { KeeperRig } from "../support/keeperRig.ts";

const [KEEPER, RIVAL] = [devKey(12), devKey(13)];
/** Of 10,000 BLOC, a ten-thousandth; half of it is the reporter's. */
const REPORT_REWARD = parseEther("0.5");

describe("a keeper's Executor, on a chain", () => {
  let chain: AuditedChain;

  const rpc = (method: string, params: readonly unknown[] = []) =>
    (chain.client.request as (call: object) => Promise<unknown>)({ method, params });
  const report = (auditor: number, epoch: number): Chore => ({
    duty: "report",
    call: {
      ...chain.contracts.proofOfService,
      functionName: "report",
      args: [chain.auditors[auditor]!.owner, epoch],
    },
    reward: REPORT_REWARD,
    about: { auditor },
  });
  /** Transactions of an address that have no block yet. */
  const waiting = async (address: Address) => {
    const [pending, mined] = await Promise.all(
      (["pending", "latest"] as const).map((blockTag) =>
        chain.client.getTransactionCount({ address, blockTag }),
      ),
    );
    return pending! - mined!;
  };

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
    const sent = () => chain.client.getTransactionCount({ address: KEEPER.address });
    const first = await sent();
    // Each of them would stand by itself; the second is the first one's twin.
    await keeper.offer([report(0, epoch), report(0, epoch), report(1, epoch)]);
    expect(keeper.heard).to.deep.equal(["done report", "lost report", "done report"]);
    expect(await keeper.balance()).to.equal(before + 2n * REPORT_REWARD);
    expect((await sent()) - first, "one transaction").to.equal(1);
  });

  it("of two keepers in the same block one is paid, and the other loses its gas and nothing else", async () => {
    const rigs = [KEEPER, RIVAL].map(({ key }) => new KeeperRig(chain, { key }));
    const { epoch } = await chain.moment();
    await chain.commit(epoch, 0, { 1: 3 });
    await chain.enter(epoch + 2);
    const before = await Promise.all(rigs.map((rig) => rig.balance()));
    await rpc("evm_setAutomine", [false]);
    try {
      const offers = Promise.all(rigs.map((rig) => rig.offer([report(0, epoch)])));
      await chain.driver.until("both wait for the same block", async () => {
        const counts = await Promise.all(rigs.map(({ address }) => waiting(address)));
        return counts.every((count) => count === 1);
      });
      await rpc("evm_mine");
      await offers;
    } finally {
      await rpc("evm_setAutomine", [true]);
    }
    const after = await Promise.all(rigs.map((rig) => rig.balance()));
    const gains = after.map((balance, index) => balance - before[index]!);
    expect(gains.sort()).to.deep.equal([0n, REPORT_REWARD]);
    expect(rigs.flatMap(({ heard }) => heard).sort()).to.deep.equal(["done report", "lost report"]);
    expect(rigs.flatMap(({ log }) => log.said("warn"))).to.deep.equal([]);
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
