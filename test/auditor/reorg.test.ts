import { expect } from "chai";
import type { Startable } from "../../src/node/lifecycle.ts";
import { AuditorStage } from "../support/auditorStage.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { RpcProxy } from "../support/rpcProxy.ts";
import { until } from "../support/until.ts";

/** On Anvil, which forgets the transactions of the blocks that it takes back. */
describe("an auditor on a chain that reorganises, behind endpoints that fail", () => {
  let stage: AuditorStage;
  let first: RpcProxy;
  let second: RpcProxy;
  let log: MemoryLog;
  let worker: Startable;

  before(async () => {
    stage = await AuditorStage.start();
  });
  after(() => stage?.stop());

  beforeEach(async () => {
    await stage.reset();
    [first, second] = [new RpcProxy(stage.anvil.rpcUrl), new RpcProxy(stage.anvil.rpcUrl)];
    await Promise.all([first.start(), second.start()]);
    log = new MemoryLog();
    worker = stage.createAuditor([first.url, second.url], { log });
    await stage.jump(stage.first, 0);
    await worker.start();
  });
  afterEach(async () => {
    await worker.stop();
    await Promise.all([first.stop(), second.stop()]);
  });

  const round = () => stage.round(stage.first);
  const reorganise = async (depth: number) => {
    await stage.anvil.request("anvil_reorg", [depth, []]);
  };

  it("sends the same commitment and the same reveal again when they are taken back", async () => {
    await stage.mineUntil("it has committed", async () => (await round()).committed);
    await reorganise(1);
    expect((await round()).committed).to.equal(false);
    await stage.mineUntil("it has committed again", async () => (await round()).committed);

    await stage.untilSeed(stage.first);
    await stage.untilEarning(stage.first + 1);
    await stage.mineUntil("it has revealed", async () => (await round()).revealed);
    await reorganise(1);
    expect((await round()).revealed).to.equal(false);
    await stage.mineUntil("it has revealed again", async () => (await round()).revealed);

    await stage.untilEarning(stage.first + 2);
    await stage.mineUntil("it has claimed", async () => (await round()).claimed);
    // Else it would wait for the transaction that is taken back, until the epoch ends.
    await until("it knows that", () => log.said("info").includes("round claimed"));
    await reorganise(1);
    expect((await round()).claimed).to.equal(false);
    await stage.untilEarning(stage.first + 3);
    await stage.mineUntil("it has claimed again", async () => (await round()).claimed);
    expect(log.said("error")).to.deep.equal([]);
  });

  it("earns a round though its endpoints take turns in failing", async () => {
    await stage.mineUntil("it has committed", async () => (await round()).committed);
    first.fail("cut");
    await stage.untilSeed(stage.first);
    second.fail("garbage");
    first.heal();
    await stage.untilEarning(stage.first + 1);
    await stage.mineUntil("it has revealed", async () => (await round()).revealed);
    // Accepts transactions, and passes none on.
    first.swallow();
    second.heal();
    await stage.untilEarning(stage.first + 2);
    await stage.mineUntil("it has claimed", async () => (await round()).claimed);
  });
});
