import { expect } from "chai";
import { parseEther, parseGwei } from "viem";
import type { Draw } from "../../src/auditor/draw.ts";
import { Profit, roundGas } from "../../src/auditor/profit.ts";
import type { AuditedService } from "../../src/chain/services.ts";
import { AuditorRig, EPOCH, hashOf } from "../support/auditorRig.ts";

describe("Profit", () => {
  let rig: AuditorRig;
  let newest: number;

  /** Two services in one shard, with weight 7. */
  const drawn: Draw = {
    epoch: EPOCH,
    secret: hashOf(1),
    y: hashOf(2),
    shards: [{ shard: 0, weight: 7, services: Array<AuditedService>(2) }],
  };

  beforeEach(() => {
    rig = new AuditorRig();
    newest = EPOCH - 1;
    rig.chain.answers.newestSeed = () => newest;
    rig.chain.answers.seedOf = () => [hashOf(1), newest - 1, 4, 0n];
    rig.chain.answers.budgetOf = () => [parseEther("2800"), 0n, 0n, 1n];
    rig.sender.price = parseGwei("10");
  });

  const pays = (bloc: string, marginPercent = 0) =>
    new Profit({ blocPriceWei: parseEther(bloc), marginPercent }, { ...rig.dependencies }).pays(
      drawn,
    );

  // 2,800 BLOC over 4 services: two with a shard's mean weight earn 1,400. 280,000 gas at 10 gwei cost 0.0028 ether.
  it("takes a round whose pay is worth its gas, and leaves out one whose is not", async () => {
    expect(await pays("0.000002")).to.equal(true);
    expect(await pays("0.0000019")).to.equal(false);
  });

  it("asks for the profit that was named", async () => {
    expect(await pays("0.000002", 1)).to.equal(false);
    expect(await pays("0.000003", 50)).to.equal(true);
    expect(await pays("0.000001", -50), "or bears a loss").to.equal(true);
  });

  it("logs the figures of its decision", async () => {
    await pays("0.000001");
    expect(rig.log.lines).to.deep.equal([
      {
        level: "info",
        message: "the round is unprofitable and skipped",
        fields: {
          epoch: EPOCH,
          expectedPay: "1400",
          payEther: "0.0014",
          gas: 280_000n,
          costEther: "0.0028",
        },
      },
    ]);
  });

  it("accepts a round as long as the pay of rounds is unknown", async () => {
    newest = 0;
    expect(await pays("0")).to.equal(true);
  });

  it("knows that more words cost more", () => {
    expect(roundGas(0)).to.equal(roundGas(1));
    expect(roundGas(2) - roundGas(1)).to.equal(32_000n);
    expect(roundGas(513) - roundGas(512)).to.equal(182_000n);
  });
});
