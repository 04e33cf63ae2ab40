import { expect } from "chai";
import { parseEther } from "viem";
import { addressOfKey } from "../../src/protocol/signature.ts";
import type { Redemption } from "../../src/protocol/voucher.ts";
import { rejection } from "../support/rejection.ts";
import { committed, open, payer, PayRig, TRANCHE, type Pair } from "./rig/payRig.ts";

const stranger = new Uint8Array(32).fill(3);

describe("what is unsecured", () => {
  let rig: Pair["rig"];
  let life: Pair["life"];
  let wallet: Pair["wallet"];
  let ours: Pair["ours"];
  let theirs: Pair["theirs"];
  beforeEach(async () => {
    ({ rig, life, wallet, ours, theirs } = await PayRig.pair());
  });

  const credit = (item: Redemption) => committed(life, theirs.credit(item));

  describe("exposure", () => {
    it("past its limit a tab is opened on chain before more is taken", async () => {
      await credit(await ours.pay(8n * TRANCHE));
      expect(rig.chain.mined).to.deep.equal([]);
      expect(life.collector.exposure.of(payer)).to.equal(8n * TRANCHE);
      await credit(await ours.pay(17n * TRANCHE));
      expect(rig.chain.mined.map(({ functionName }) => functionName)).to.deep.equal(["openTab"]);
      expect(life.collector.exposure.total).to.equal(0n);
      expect(theirs.paid).to.equal(17n * TRANCHE);
    });

    it("a payer that withdraws before costs at most the limit, and its users hear of the end", async () => {
      await credit(await ours.pay(8n * TRANCHE));
      rig.chain.withdraw(payer);
      const heard: string[] = [];
      theirs.onEnd((error) => heard.push((error as Error & { code: string }).code));
      await rejection("CASHIER_FUNDS", credit(await ours.pay(17n * TRANCHE)));
      await rejection("CASHIER_FUNDS", credit(await ours.pay(18n * TRANCHE)));
      expect(theirs.paid).to.equal(8n * TRANCHE);
      expect(heard).to.deep.equal(["CASHIER_FUNDS"]);
      theirs.onEnd((error) => heard.push((error as Error & { code: string }).code));
      expect(heard).to.have.length(2);
    });

    it("a session key that is revoked before costs at most the limit, too", async () => {
      const session = addressOfKey(stranger);
      rig.chain.authorizeSigner(payer, session, 500n * TRANCHE);
      const other = rig.pay({ key: stranger, payer }, new PayRig().walletDisk);
      [ours, theirs] = await rig.tab(other, life);
      await credit(await ours.pay(8n * TRANCHE));
      rig.chain.revokeSigner(payer, session);
      await rejection("CASHIER_AUTHORIZATION", credit(await ours.pay(17n * TRANCHE)));
      expect(theirs.paid).to.equal(8n * TRANCHE);
    });

    it("a crash after the transaction was sent opens no tab twice", async () => {
      rig.chain.fault = (moment, name) => {
        if (moment === "receipt" && name === "openTab") throw new Error("the process ends here");
      };
      void theirs.credit(await ours.pay(17n * TRANCHE)).catch(() => undefined);
      await rig.pass(1);
      life.crash();
      rig.chain.fault = () => undefined;
      life = rig.collect();
      const again = life.collector.find(payer, ours.tab)!;
      await committed(life, again.credit(await ours.pay(18n * TRANCHE)));
      expect(again.paid).to.equal(18n * TRANCHE);
      expect(rig.chain.mined).to.have.length(1);
    });

    it("of all payers together is bounded, too", async () => {
      const limits = { payer: parseEther("1"), total: 3n * TRANCHE };
      const small = rig.collect({ exposure: limits }, new PayRig().collectorDisk);
      const tabs: [Pair["ours"], Pair["theirs"]][] = [];
      for (const digit of [21, 22]) {
        const key = new Uint8Array(32).fill(digit);
        rig.chain.deposit(addressOfKey(key), 1_000n * TRANCHE);
        const other = rig.pay({ key }, new PayRig().walletDisk);
        tabs.push(await rig.tab(other, small));
      }
      for (const [payerTab, tab] of tabs)
        await committed(small, tab.credit(await payerTab.pay(2n * TRANCHE)));
      expect(small.collector.exposure.total <= limits.total).to.be.true;
    });
  });

  describe("a raise", () => {
    beforeEach(async () => {
      wallet = rig.pay({ tabLimit: 120n * TRANCHE }, new PayRig().walletDisk);
      [ours, theirs] = await rig.tab(wallet, life);
      await credit(await ours.pay(110n * TRANCHE));
      expect((await wallet.tabFor(life.collector.quote())).tab).to.equal(ours.tab);
      await open(life, ours);
      expect(theirs.limit).to.equal(230n * TRANCHE);
    });
    const onChain = async () => (await rig.chain.tabOf(ours.authorization)).limit;

    it("goes on chain when it is needed", async () => {
      expect(await onChain()).to.equal(120n * TRANCHE);
      await credit(await ours.pay(127n * TRANCHE));
      expect(await onChain()).to.equal(120n * TRANCHE);
      expect(life.collector.exposure.total).to.equal(7n * TRANCHE);
      await rig.pass(84_000);
      await life.redeemer.round();
      expect(await onChain()).to.equal(230n * TRANCHE);
      expect(life.collector.exposure.total).to.equal(0n);
    });

    it("that was not needed in time counts no more, and the payer authorizes it again", async () => {
      await rig.pass(90_000);
      await life.redeemer.round();
      expect(theirs.limit).to.equal(120n * TRANCHE);
      await rejection("CASHIER_VOUCHER", credit(await ours.pay(125n * TRANCHE)));
      await wallet.tabFor(life.collector.quote());
      expect(await open(life, ours)).to.equal(theirs);
      await credit(await ours.pay(125n * TRANCHE));
      expect(theirs.paid).to.equal(125n * TRANCHE);
    });

    it("that the payer cannot cover any more leaves the tab as it is on chain", async () => {
      rig.chain.withdraw(payer);
      await rejection("CASHIER_FUNDS", credit(await ours.pay(200n * TRANCHE)));
      expect(theirs.limit).to.equal(120n * TRANCHE);
      expect(theirs.paid).to.equal(110n * TRANCHE);
    });
  });
});
