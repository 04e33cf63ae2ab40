import { expect } from "chai";
import { parseEther } from "viem";
import { Settler } from "../../../src/provider/duties/settler.ts";
import { DEPLOYMENT, FakeChain, FakeSender } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { failureOf } from "../../support/httpClient.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

describe("Settler", () => {
  let chain: FakeChain;
  let sender: FakeSender;
  let log: MemoryLog;

  beforeEach(() => {
    chain = new FakeChain();
    sender = new FakeSender();
    log = new MemoryLog();
  });

  /** Settles in an epoch, with everything through `settled` settled before. */
  async function settle(epoch: number, settled: number, everyEpochs = 24): Promise<unknown[]> {
    sender.sent.splice(0);
    chain.answers.settledThrough = () => settled;
    const time = new FakeTime(new FakeTimers(), DEPLOYMENT, epoch);
    await new Settler(
      { number: 7n, everyEpochs },
      { client: chain.client, deployment: DEPLOYMENT, sender: sender.asSender, time, log },
    ).settle();
    return sender.sent.map(({ functionName, args }) => [functionName, ...args]);
  }

  it("settles once enough epochs are final: up to the last but two", async () => {
    expect(await settle(125, 100)).to.deep.equal([]);
    expect(await settle(126, 100)).to.deep.equal([["settle", 7n, 124]]);
    expect(await settle(200, 100)).to.deep.equal([["settle", 7n, 198]]);
    expect(sender.sent[0]?.address).to.equal(DEPLOYMENT.contracts.settlement);
  });

  it("settles each epoch where told so", async () => {
    expect(await settle(102, 100, 1)).to.deep.equal([]);
    expect(await settle(103, 100, 1)).to.deep.equal([["settle", 7n, 101]]);
  });

  it("has nothing to settle in the first epochs, nor before the service counts", async () => {
    for (const epoch of [0, 1, 2]) expect(await settle(epoch, 0, 1)).to.deep.equal([]);
    expect(await settle(3, 5, 1)).to.deep.equal([]);
    expect(await settle(3, 0, 1)).to.deep.equal([["settle", 7n, 1]]);
  });

  it("logs what each epoch paid", async () => {
    sender.onSend = () =>
      [101, 102].map((epoch) => ({
        block: 1,
        eventName: "Settled",
        args: { number: 7n, epoch, grade: 3, reward: parseEther("1.5") },
      }));
    await settle(104, 100, 1);
    expect(log.lines.map(({ message, fields }) => [message, fields])).to.deep.equal([
      ["epoch settled", { epoch: 101, grade: 3, reward: "1.5" }],
      ["epoch settled", { epoch: 102, grade: 3, reward: "1.5" }],
    ]);
  });

  it("says when it cannot", async () => {
    sender.onSend = () => {
      throw new Error("reverted");
    };
    expect((await failureOf(settle(126, 100))).message).to.equal("reverted");
  });
});
