import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { devKey } from "../../../devnet/devnet.ts";
import { createKeeper } from "../../../src/keeper/createKeeper.ts";
import type { Startable } from "../../../src/node/lifecycle.ts";
import { AuditorStage, fastTimers } from "../../support/auditorStage.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { rpcStories } from "../../support/rpcFaults.ts";
import { RpcProxy } from "../../support/rpcProxy.ts";

/** With no other endpoint to go to. */
describe("a keeper records the epoch's seed behind an endpoint that", () => {
  let stage: AuditorStage;
  let proxy: RpcProxy;
  let keeper: Startable;
  let folder: string;

  before(async () => {
    stage = await AuditorStage.start();
  });
  after(() => stage?.stop());

  beforeEach(async () => {
    await stage.reset();
    folder = mkdtempSync(path.join(tmpdir(), "keeper-"));
    proxy = new RpcProxy(stage.anvil.rpcUrl);
    await proxy.start();
    keeper = createKeeper(
      {
        rpcUrls: [proxy.url],
        deployment: stage.deployment,
        key: devKey(12).key,
        stateDir: folder,
        blocPriceWei: 10n ** 18n,
        unpaidWeiPerDay: 0n,
        settleAfterEpochs: 48,
        collectFor: [],
      },
      { timers: fastTimers, log: new MemoryLog() },
    );
    await stage.jump(stage.first, 0);
    await keeper.start();
  });
  afterEach(async () => {
    await keeper.stop();
    await proxy.stop();
    rmSync(folder, { recursive: true });
  });

  /** To an epoch's confirmed beginning, and past the moment up to which keepers take turns. */
  const enter = async (epoch: number) => {
    for (let pair = 0; pair < 4; pair++) await stage.jump(epoch, 0);
    await stage.jump(epoch, 0.6);
  };

  for (const { name, begin } of rpcStories) {
    it(name, async () => {
      begin(proxy);
      await enter(stage.first);
      await stage.mineUntil("the seed is recorded", () => stage.hasSeed(stage.first));
      proxy.heal();
      begin(proxy);
      await enter(stage.first + 1);
      await stage.mineUntil("the next one is recorded", () => stage.hasSeed(stage.first + 1));
    });
  }
});
