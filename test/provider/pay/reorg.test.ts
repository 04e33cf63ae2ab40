import { expect } from "chai";
import type { RequestListener } from "node:http";
import { paying, PayRig } from "../../support/payRig.ts";

const sunny: RequestListener = (_, response) => response.end("sunny");

describe("a payment that a reorganisation takes from the chain", function () {
  this.timeout(240_000);

  let rig: PayRig;
  let seen: string[];
  before(async () => {
    rig = await PayRig.start();
  });
  after(() => rig.stop());
  beforeEach(() => {
    seen = [];
  });
  afterEach(() => rig.close());

  const observer = {
    vanished: () => seen.push("vanished"),
    lost: () => seen.push("lost"),
  };

  /** A paid request, whose transfer then vanishes. */
  async function vanished(): Promise<{ header: string; url: string; before: number }> {
    const url = await rig.serve(sunny, {}, { observer });
    const before = await rig.income();
    const header = await rig.pay(await rig.offer(url));
    const snapshot = await rig.chain.request("evm_snapshot", []);
    expect((await paying(url, header)).status).to.equal(200);
    expect(await rig.income()).to.equal(before + 1);
    await rig.review.round();
    expect(seen, "nothing is looked for at once").to.deep.equal([]);
    await rig.chain.request("evm_revert", [snapshot]);
    expect(await rig.income()).to.equal(before);
    return { header, url, before };
  }

  it("is settled once more while its authorization holds", async () => {
    const { header, url, before } = await vanished();
    await rig.pass(21);
    await rig.review.round();
    expect(seen).to.deep.equal(["vanished"]);
    expect(await rig.income()).to.equal(before + 1);
    // Before its end and after it, it is there.
    await rig.pass(30);
    await rig.review.round();
    await rig.pass(3_600);
    await rig.review.round();
    expect([seen, await rig.income()]).to.deep.equal([["vanished"], before + 1]);
    expect((await paying(url, header)).status, "the answer is kept").to.equal(200);
  });

  it("is recorded as lost when its authorization has ended", async () => {
    const { before } = await vanished();
    await rig.pass(200);
    await rig.chain.request("hardhat_mine", ["0x20"]);
    await rig.review.round();
    expect([seen, await rig.income()]).to.deep.equal([["vanished", "lost"], before]);
    expect(rig.log.said("error")).to.have.length(1);
    await rig.pass(3_600);
    await rig.review.round();
    expect(seen, "once").to.deep.equal(["vanished", "lost"]);
  });
});
