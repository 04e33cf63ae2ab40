import { rmSync } from "node:fs";
import { expect } from "chai";
import { toFunctionSelector, type Hex } from "viem";
import { createAuditor } from "../../../src/auditor/createAuditor.ts";
import { auditorStoreFile } from "../../../src/auditor/store.ts";
import type { Startable } from "../../../src/node/lifecycle.ts";
import { proofOfServiceAbi } from "../../../src/protocol/abi/proofOfService.ts";
import { AuditorStage, fastTimers, keys } from "../../support/auditorStage.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { rpcStories } from "../../support/rpcFaults.ts";
import { RpcProxy } from "../../support/rpcProxy.ts";

/** With no other endpoint to go to. */
describe("an auditor earns its round behind an endpoint that", () => {
  let stage: AuditorStage;
  let proxy: RpcProxy;
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
    proxy = new RpcProxy(stage.anvil.rpcUrl);
    await proxy.start();
    log = new MemoryLog();
    const { deployment, auditor, operatorKey, folder, voter } = stage;
    worker = createAuditor(
      {
        rpcUrls: [proxy.url],
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
    await proxy.stop();
  });

  const contract = () => ({
    address: stage.deployment.contracts.proofOfService,
    abi: proofOfServiceAbi,
  });
  const read = async () => {
    const args = [stage.auditor, stage.first] as const;
    const round = await stage.client.readContract({ ...contract(), functionName: "roundOf", args });
    return { committed: round[0], revealed: round[1] === 1, claimed: round[2] === 1n };
  };
  const seeded = async (epoch: number) => {
    const args = [epoch] as const;
    const seed = await stage.client.readContract({ ...contract(), functionName: "seedOf", args });
    return BigInt(seed[0]) !== 0n;
  };
  const enter = async (epoch: number) => {
    await stage.jump(epoch, 0);
    await stage.jump(epoch, 0.3);
    await stage.mineUntil("the seed is proven", () => seeded(epoch));
    await stage.jump(epoch, 0.42);
  };
  /** Selectors of the operator's transactions, in order. */
  const sent = async () => {
    const found: Hex[] = [];
    const head = await stage.client.getBlockNumber();
    for (let number = 1n; number <= head; number++) {
      const block = await stage.client.getBlock({ blockNumber: number, includeTransactions: true });
      for (const { from, input } of block.transactions)
        if (from === keys.operator.address.toLowerCase()) found.push(input.slice(0, 10) as Hex);
    }
    return found;
  };
  const commit = toFunctionSelector("commit(address,uint32,bytes32)");

  for (const { name, begin } of rpcStories) {
    it(name, async () => {
      begin(proxy);
      await stage.mineUntil("it has committed", async () => (await read()).committed);
      proxy.heal();
      await stage.jump(stage.first, 0.3);
      await stage.mineUntil("the seed is proven", () => seeded(stage.first));
      begin(proxy);
      await enter(stage.first + 1);
      await stage.mineUntil("it has revealed", async () => (await read()).revealed);
      proxy.heal();
      begin(proxy);
      await enter(stage.first + 2);
      await stage.mineUntil("it has claimed", async () => (await read()).claimed);
      const commitments = (await sent()).filter((selector) => selector === commit);
      // Epochs after the first are committed to as well, each once.
      expect(commitments.length, "one commitment an epoch").to.be.within(1, 3);
    });
  }
});
