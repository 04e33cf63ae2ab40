import { expect } from "chai";
import { TickDuty } from "../../src/auditor/tickDuty.ts";
import { AuditorRig, EPOCH, hashOf } from "../support/auditorRig.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { failureOf } from "../support/httpClient.ts";
import { rejection } from "../support/rejection.ts";

describe("TickDuty", () => {
  let rig: AuditorRig;
  let duty: TickDuty;
  let sentAt: number;

  beforeEach(() => {
    rig = new AuditorRig();
    duty = new TickDuty(rig.dependencies);
    rig.sender.onSend = () => {
      sentAt = rig.second;
      rig.recorded.set(rig.proven.at(-1)!, hashOf(1));
      return [];
    };
  });

  it("proves the epoch's seed, early and after its first block is confirmed", async () => {
    await rig.timers.play(duty.run(EPOCH, rig.abort.signal));
    expect(rig.sender.sent).to.have.length(1);
    const [{ address, functionName, args } = expect.fail()] = rig.sender.sent;
    expect(address).to.equal(DEPLOYMENT.contracts.proofOfService);
    expect([functionName, ...args]).to.deep.equal(["tick", "0xf1", "0xf0"]);
    expect(sentAt).to.be.within(1, 27);
    expect(rig.log.said("info")).to.deep.equal(["seed proven"]);
  });

  it("waits for the epoch to begin", async () => {
    await rig.timers.play(duty.run(EPOCH + 1, rig.abort.signal));
    expect(sentAt).to.be.within(101, 127);
    expect(rig.proven).to.deep.equal([EPOCH + 1]);
  });

  it("waits for a block where the chain is slow", async () => {
    rig.time.blockSeconds = 64;
    const start = DEPLOYMENT.genesis + EPOCH * 100;
    expect(rig.time.head().timestamp).to.be.below(start);
    await rig.timers.play(duty.run(EPOCH, rig.abort.signal));
    expect(rig.time.head().timestamp - start, "the first block and one more").to.be.at.least(64);
  });

  it("sends nothing when the seed is recorded already", async () => {
    rig.recorded.set(EPOCH, hashOf(1));
    await rig.timers.play(duty.run(EPOCH, rig.abort.signal));
    expect(rig.sender.sent).to.deep.equal([]);
    expect(rig.proven).to.deep.equal([]);
  });

  it("looks whether it is recorded when its turn comes, not before", async () => {
    const running = duty.run(EPOCH, rig.abort.signal);
    await rig.timers.advance(900);
    rig.recorded.set(EPOCH, hashOf(1));
    await rig.timers.play(running);
    expect(rig.sender.sent).to.deep.equal([]);
  });

  it("is to be tried again when a reorganisation takes the seed back", async () => {
    const running = rejection("SEED_TAKEN_BACK", duty.run(EPOCH, rig.abort.signal));
    while (rig.sender.sent.length === 0) await rig.timers.advance(1_000);
    rig.recorded.delete(EPOCH);
    expect((await rig.timers.play(running)).retryable).to.equal(true);
  });

  it("ends with the epoch", async () => {
    const running = failureOf(duty.run(EPOCH + 1, rig.abort.signal));
    await rig.timers.advance(1_000);
    const reason = new Error("over");
    rig.abort.abort(reason);
    expect(await running).to.equal(reason);
    expect(rig.timers.sleeping).to.equal(0);
  });
});
