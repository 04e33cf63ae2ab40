import { rmSync } from "node:fs";
import { expect } from "chai";
import { createAuditor } from "../../src/auditor/createAuditor.ts";
import { auditorStoreFile } from "../../src/auditor/store.ts";
import type { Startable } from "../../src/node/lifecycle.ts";
import { proofOfServiceAbi } from "../../src/protocol/abi/proofOfService.ts";
import { AuditorStage, fastTimers } from "../support/auditorStage.ts";
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
    for (const suffix of ["", "-wal", "-shm"]) {
      const file = auditorStoreFile(stage.folder, stage.auditor, stage.deployment) + suffix;
      rmSync(file, { force: true });
    }
    [first, second] = [new RpcProxy(stage.anvil.rpcUrl), new RpcProxy(stage.anvil.rpcUrl)];
    await Promise.all([first.start(), second.start()]);
    log = new MemoryLog();
    const { deployment, auditor, operatorKey, folder, voter } = stage;
    worker = createAuditor(
      {
        rpcUrls: [first.url, second.url],
        deployment,
        auditor,
        operatorKey,
        stateDir: folder,
        allowLoopback: true,
      },
      { timers: fastTimers, log, createVoter: () => voter },
    );
    await stage.jump(stage.first, 0);
    await worker.start();
  });
  afterEach(async () => {
    await worker.stop();
    await Promise.all([first.stop(), second.stop()]);
  });

  const read = async () => {
    const [committed, revealed, claimed] = await stage.client.readContract({
      address: stage.deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "roundOf",
      args: [stage.auditor, stage.first],
    });
    return { committed, revealed: revealed === 1, claimed: claimed === 1n };
  };
  const seeded = async (epoch: number) => {
    const [seed] = await stage.client.readContract({
      address: stage.deployment.contracts.proofOfService,
      abi: proofOfServiceAbi,
      functionName: "seedOf",
      args: [epoch],
    });
    return BigInt(seed) !== 0n;
  };
  const reorganise = async (depth: number) => {
    await stage.anvil.request("anvil_reorg", [depth, []]);
  };
  /** To the moment at which an epoch's reveal and claims are due. */
  const enter = async (epoch: number) => {
    await stage.jump(epoch, 0);
    await stage.jump(epoch, 0.3);
    await stage.mineUntil("the seed is proven", () => seeded(epoch));
    await stage.jump(epoch, 0.42);
  };

  it("sends the same commitment and the same reveal again when they are taken back", async () => {
    await stage.mineUntil("it has committed", async () => (await read()).committed);
    await reorganise(1);
    expect((await read()).committed).to.equal(false);
    await stage.mineUntil("it has committed again", async () => (await read()).committed);

    await stage.jump(stage.first, 0.3);
    await stage.mineUntil("the seed is proven", () => seeded(stage.first));
    await enter(stage.first + 1);
    await stage.mineUntil("it has revealed", async () => (await read()).revealed);
    await reorganise(1);
    expect((await read()).revealed).to.equal(false);
    await stage.mineUntil("it has revealed again", async () => (await read()).revealed);

    await enter(stage.first + 2);
    await stage.mineUntil("it has claimed", async () => (await read()).claimed);
    // Else it would wait for the transaction that is taken back, until the epoch ends.
    await until("it knows that", () => log.said("info").includes("round claimed"));
    await reorganise(1);
    expect((await read()).claimed).to.equal(false);
    await enter(stage.first + 3);
    await stage.mineUntil("it has claimed again", async () => (await read()).claimed);
    expect(log.said("error")).to.deep.equal([]);
  });

  it("earns a round though its endpoints take turns in failing", async () => {
    await stage.mineUntil("it has committed", async () => (await read()).committed);
    first.fail("cut");
    await stage.jump(stage.first, 0.3);
    await stage.mineUntil("the seed is proven", () => seeded(stage.first));
    second.fail("garbage");
    first.heal();
    await enter(stage.first + 1);
    await stage.mineUntil("it has revealed", async () => (await read()).revealed);
    // Accepts transactions, and passes none on.
    first.swallow();
    second.heal();
    await enter(stage.first + 2);
    await stage.mineUntil("it has claimed", async () => (await read()).claimed);
  });
});
