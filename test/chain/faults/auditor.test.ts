import { expect } from "chai";
import { toFunctionSelector, type Hex } from "viem";
import type { Startable } from "../../../src/node/lifecycle.ts";
import { silentLogger } from "../../../src/node/logger.ts";
import { AuditorStage, keys } from "../../support/auditorStage.ts";
import { rpcStories } from "../../support/rpcFaults.ts";
import { RpcProxy } from "../../support/rpcProxy.ts";

/** With no other endpoint to go to. */
describe("an auditor earns its round behind an endpoint that", () => {
  let stage: AuditorStage;
  let proxy: RpcProxy;
  let worker: Startable;

  before(async () => {
    stage = await AuditorStage.start();
  });
  after(() => stage?.stop());

  beforeEach(async () => {
    await stage.reset();
    proxy = new RpcProxy(stage.anvil.rpcUrl);
    await proxy.start();
    worker = stage.createAuditor([proxy.url], { log: silentLogger });
    await stage.jump(stage.first, 0);
    await worker.start();
  });
  afterEach(async () => {
    await worker.stop();
    await proxy.stop();
  });

  const round = () => stage.round(stage.first);
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
      await stage.mineUntil("it has committed", async () => (await round()).committed);
      proxy.heal();
      await stage.untilSeed(stage.first);
      begin(proxy);
      await stage.untilEarning(stage.first + 1);
      await stage.mineUntil("it has revealed", async () => (await round()).revealed);
      proxy.heal();
      begin(proxy);
      await stage.untilEarning(stage.first + 2);
      await stage.mineUntil("it has claimed", async () => (await round()).claimed);
      const commitments = (await sent()).filter((selector) => selector === commit);
      // Epochs after the first are committed to as well, each once.
      expect(commitments.length, "one commitment an epoch").to.be.within(1, 3);
    });
  }
});
