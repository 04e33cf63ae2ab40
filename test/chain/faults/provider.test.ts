import { expect } from "chai";
import { silentLogger } from "../../../src/node/logger.ts";
import { AuditorStage } from "../../support/auditorStage.ts";
import { ChallengedStage } from "../../support/challengedStage.ts";
import { rpcStories } from "../../support/rpcFaults.ts";
import { RpcProxy } from "../../support/rpcProxy.ts";

const SERVICE = 1n;

/** With no other endpoint to go to. */
describe("a provider answers a challenge, once, behind an endpoint that", () => {
  let stage: AuditorStage;
  let proxy: RpcProxy;
  let stranger: ChallengedStage;
  let stop: () => Promise<void>;

  before(async () => {
    stage = await AuditorStage.start();
  });
  after(() => stage?.stop());

  beforeEach(async () => {
    await stage.reset();
    proxy = new RpcProxy(stage.anvil.rpcUrl);
    await proxy.start();
    stranger = new ChallengedStage(stage);
    stop = await stranger.startResponder(SERVICE, proxy.url, { log: silentLogger });
    await stranger.challenge(SERVICE);
  });
  afterEach(async () => {
    await stop();
    await proxy.stop();
  });

  for (const { name, begin } of rpcStories) {
    it(name, async () => {
      const id = (await stranger.challenges.open(SERVICE))!;
      begin(proxy);
      await stranger.ask();
      const state = async () => (await stranger.challenges.get(id)).state;
      await stage.mineUntil("it is answered", async () => (await state()) !== "Open");
      expect(await state()).to.equal("Answered");
      expect(await stranger.answers()).to.equal(1);
    });
  }
});
