import { expect } from "chai";
import { tickOf, untilConfirmed } from "../../src/chain/ticks.ts";
import { AuditorRig, EPOCH, hashOf } from "../support/auditorRig.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";

describe("untilConfirmed", () => {
  for (const [confirmations, second] of [
    [0, 0],
    [1, 1],
    [5, 5],
  ] as const) {
    it(`waits for ${confirmations} blocks on top of the epoch's first`, async () => {
      const { timers, time, abort, seeds } = new AuditorRig();
      const epoch = EPOCH + 1;
      const deployment = { ...DEPLOYMENT, confirmations };
      const needs = { seeds, deployment, time, timers };
      await timers.play(untilConfirmed(needs, epoch, abort.signal));
      expect(timers.monotonic() / 1_000).to.be.within(100 + second, 101 + second);
    });
  }
});

describe("tickOf", () => {
  it("is the call that proves an epoch by its headers, whether or not anybody has", async () => {
    const { time, dependencies, recorded, proven } = new AuditorRig();
    recorded.set(EPOCH, hashOf(1));
    const { call, seed, epoch } = await tickOf(dependencies, EPOCH, time.head());
    expect({ seed, epoch }).to.deep.equal({ seed: hashOf(0x5e), epoch: EPOCH });
    expect([call.address, call.functionName, ...call.args]).to.deep.equal([
      DEPLOYMENT.contracts.proofOfService,
      "tick",
      "0xf1",
      "0xf0",
    ]);
    expect(proven).to.deep.equal([EPOCH]);
  });
});
