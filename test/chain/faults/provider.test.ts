import { expect } from "chai";
import { Challenges } from "../../../src/chain/challenges.ts";
import { createChainClient } from "../../../src/chain/client.ts";
import { ChainClock } from "../../../src/chain/clock.ts";
import { TransactionSender } from "../../../src/chain/transactions/sender.ts";
import { ChallengeResponder } from "../../../src/provider/duties/challengeResponder.ts";
import { AuditorStage, fastTimers, keys } from "../../support/auditorStage.ts";
import { ChallengedStage } from "../../support/challengedStage.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
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
    stop = await start();
    stranger = new ChallengedStage(stage);
    await stranger.challenge(SERVICE);
  });
  afterEach(async () => {
    await stop();
    await proxy.stop();
  });

  const start = async () => {
    const { deployment } = stage;
    const { chainId, genesis, epochSeconds } = deployment;
    const log = new MemoryLog();
    const client = createChainClient([proxy.url], chainId, { timers: fastTimers });
    const timing = { genesis, epochSeconds };
    const time = new ChainClock({ timing }, { client, timers: fastTimers, log });
    await time.start();
    const sender = new TransactionSender(
      { rpcUrls: [proxy.url], chainId, key: keys.provider.key },
      { client, log, timers: fastTimers },
    );
    const responder = new ChallengeResponder(
      { number: SERVICE, keys: [keys.provider.key] },
      {
        deployment,
        challenges: new Challenges(client, deployment),
        sender,
        time,
        timers: fastTimers,
        log,
      },
    );
    await responder.start();
    return async () => {
      await responder.stop();
      await time.stop();
    };
  };
  /** The provider's transactions to the challenge book. */
  const answers = async () => {
    let count = 0;
    const head = await stage.client.getBlockNumber();
    const book = stage.deployment.contracts.challengeBook.toLowerCase();
    for (let number = 1n; number <= head; number++) {
      const block = await stage.client.getBlock({ blockNumber: number, includeTransactions: true });
      count += block.transactions.filter(
        ({ from, to }) => from === keys.provider.address.toLowerCase() && to === book,
      ).length;
    }
    return count;
  };

  for (const { name, begin } of rpcStories) {
    it(name, async () => {
      const id = (await stranger.challenges.open(SERVICE))!;
      begin(proxy);
      await stranger.ask();
      const state = async () => (await stranger.challenges.get(id)).state;
      await stage.mineUntil("it is answered", async () => (await state()) !== "Open");
      expect(await state()).to.equal("Answered");
      expect(await answers()).to.equal(1);
    });
  }
});
