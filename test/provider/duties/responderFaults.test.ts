import { expect } from "chai";
import { parseGwei, type Hex } from "viem";
import type { FeePolicy } from "../../../src/chain/transactions/fees.ts";
import { AuditorStage } from "../../support/auditorStage.ts";
import { ChallengedStage } from "../../support/challengedStage.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { RpcProxy } from "../../support/rpcProxy.ts";
import { until } from "../../support/until.ts";

const SERVICE = 1n;

describe("answers to challenges, when things go wrong", () => {
  let stage: AuditorStage;
  let proxy: RpcProxy;
  let stranger: ChallengedStage;
  let log: MemoryLog;
  let challenge: bigint;
  const stopping: (() => Promise<void>)[] = [];

  before(async () => {
    stage = await AuditorStage.start();
  });
  after(() => stage?.stop());

  beforeEach(async () => {
    await stage.reset();
    proxy = new RpcProxy(stage.anvil.rpcUrl);
    await proxy.start();
    log = new MemoryLog();
    stranger = new ChallengedStage(stage);
    await stranger.challenge(SERVICE);
    challenge = (await stranger.challenges.open(SERVICE))!;
  });
  afterEach(async () => {
    for (const stop of stopping.splice(0).reverse()) await stop();
    await proxy.stop();
  });

  const state = async () => (await stranger.challenges.get(challenge)).state;
  /** The provider's agent, as far as challenges go; each call is another process. */
  const start = async (fees: FeePolicy = {}) => {
    const stop = await stranger.startResponder(SERVICE, proxy.url, { log, fees });
    stopping.push(stop);
    return stop;
  };
  const sent = (times = 1) =>
    until("an answer is sent", () => {
      return log.said("debug").filter((line) => line === "transaction sent").length >= times;
    });

  it("come through an endpoint that was down when the question came", async () => {
    await start();
    proxy.fail("cut");
    await stranger.ask();
    await until("it has noticed", () =>
      log.said("warn").includes("cannot check for challenges, trying again"),
    );
    proxy.heal();
    await stage.mineUntil("it is answered", async () => (await state()) === "Answered");
  });

  it("are replaced where the base fee passes their price, though other calls would wait", async () => {
    await start({ maxFeePerGas: parseGwei("2"), urgentMaxFeePerGas: parseGwei("300") });
    await stranger.ask();
    await sent();
    const fee: Hex = `0x${parseGwei("50").toString(16)}`;
    await stage.anvil.request("anvil_setNextBlockBaseFeePerGas", [fee]);
    await stage.mineUntil("it is answered", async () => (await state()) === "Answered");
    expect(log.said("warn")).to.include("transaction replaced by one with a higher fee");
    expect(await stranger.answers()).to.equal(1);
  });

  it("are sent again when a reorganisation takes them back", async () => {
    await start();
    await stranger.ask();
    await sent();
    await stage.mine();
    expect(await state()).to.equal("Answered");
    await until("it has seen that", () => log.said("info").includes("challenge answered"));
    await stage.anvil.request("anvil_reorg", [1, []]);
    expect(await state()).to.equal("Open");
    await stage.mineUntil("it is answered again", async () => (await state()) === "Answered");
  });

  it("are paid for once, though the agent was killed between sending and block", async () => {
    const stop = await start();
    await stranger.ask();
    await sent();
    await stop();
    await start();
    await sent(2);
    await stage.mineUntil("it is answered", async () => (await state()) === "Answered");
    expect(await stranger.answers()).to.equal(1);
  });
});
