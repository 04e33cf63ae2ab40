import { expect } from "chai";
import { collect } from "../rig/salRig.ts";
import { MIB, PayRig, SINK, type PayRigOptions } from "./rig/payRig.ts";

describe("a flow that is paid", () => {
  let rig: PayRig;

  function create(options: PayRigOptions = {}): PayRig {
    rig = new PayRig(options);
    return rig;
  }
  afterEach(() => {
    rig.stop();
  });

  it("is charged by its bytes in both directions, and paid to the last wei", async () => {
    create();
    const flow = await rig.ask(10 * MIB);
    const got = await rig.clock.play(collect(flow));
    expect(got.length).to.equal(10 * MIB);
    await rig.clock.advance(1_000);
    const { tab } = rig.collector;
    // The request has eight digits; the first wei has shown who signs.
    expect(tab.charged).to.equal(BigInt(10 * MIB + 8));
    expect(tab.paid).to.equal(tab.charged);
    expect(rig.spent.reduce((sum, amount) => sum + amount)).to.equal(tab.paid);
  });
});
