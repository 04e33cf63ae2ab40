import { NatNetwork } from "../../support/namespaces/natNetwork.ts";
import { NatRig } from "../../support/namespaces/natRig.ts";

describe("a relayed flow between two hosts behind NATs, in network namespaces", () => {
  let rig: NatRig;

  before(function () {
    const { missing } = NatNetwork;
    if (missing === undefined) return;
    console.log(`skipped: ${missing} is missing`);
    this.skip();
  });
  afterEach(() => rig.stop());

  it("goes on over a punched path when both NATs drop what nobody asked for, and no byte is lost", async () => {
    rig = new NatRig({ client: "cone", provider: "cone" });
    await rig.start();
    const punched = rig.path("punched");
    rig.begin();
    console.log(await punched);
    await rig.more();
    await rig.compare();
  });
});
