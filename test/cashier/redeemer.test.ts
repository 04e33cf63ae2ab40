import { expect } from "chai";
import { isWorth } from "../../src/cashier/collector/economy.ts";
import type { CollectorTab, PayerTab } from "../../src/cashier/tabs.ts";
import { WalletStore } from "../../src/cashier/payer/store.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import type { Redemption } from "../../src/protocol/voucher.ts";
import { committed, open, payer, PayRig, TRANCHE, type CollectorLife } from "./rig/payRig.ts";

const DAY_S = 86_400;
const GRADED = { highestGrade: 3, gradedCap: 10_000n * TRANCHE };
/** One tranche is worth some 2.1e15 wei of ether; an opening and a redemption 1.5e5 gas. */
const DEAR = 10n ** 11n;

describe("a collector's redemptions", () => {
  let rig: PayRig;
  let life: CollectorLife;
  beforeEach(() => {
    rig = new PayRig();
    life = rig.collect();
  });

  const mined = () => rig.chain.mined.map(({ functionName }) => functionName);
  const batches = () =>
    rig.chain.mined
      .filter(({ functionName }) => functionName === "redeemBatch")
      .map(({ args }) => args[0] as Redemption[]);
  const pay = async ([ours, theirs]: [PayerTab, CollectorTab], upTo: bigint) => {
    await committed(life, theirs.credit(await ours.pay(upTo)));
  };
  const gradedTab = async (): Promise<[PayerTab, CollectorTab]> => {
    const ours = await rig.pay().tabFor(life.collector.quote(), { minGrade: 3 });
    return [ours, await open(life, ours)];
  };

  it("wait while gas costs more than a twentieth of the income, and are made before it is lost", async () => {
    rig.chain.gasPrice = DEAR;
    const tab = await rig.tab(rig.pay(), life);
    await pay(tab, 17n * TRANCHE);
    expect(mined()).to.deep.equal(["openTab"]);
    await life.redeemer.round();
    expect(mined()).to.have.length(1);
    // The tab expires after a week; its last half day of redemption begins a day and a half later.
    await rig.pass(8.6 * DAY_S);
    await life.redeemer.round();
    expect(mined()).to.deep.equal(["openTab", "redeemBatch"]);
    expect(rig.chain.earned).to.equal(17n * TRANCHE);
  });

  it("that cost more than they bring are never made", async () => {
    const tab = await rig.tab(rig.pay(), life);
    await pay(tab, 17n * TRANCHE);
    rig.chain.gasPrice = 100n * DEAR;
    for (let day = 0; day < 12; day++) {
      await life.redeemer.round();
      await rig.pass(DAY_S);
    }
    expect(mined()).to.deep.equal(["openTab"]);
    expect([...life.collector.tabs]).to.deep.equal([]);
  });

  it("open a tab before its authorization runs out, if what it owes is worth the gas", async () => {
    const tab = await rig.tab(rig.pay(), life);
    await pay(tab, 8n * TRANCHE);
    rig.chain.gasPrice = 10n * DEAR;
    await rig.pass(DAY_S - 3_600);
    await life.redeemer.round();
    expect(mined()).to.deep.equal([]);
    rig.chain.gasPrice = 1n;
    await life.redeemer.round();
    expect(mined()).to.deep.equal(["openTab", "redeemBatch", "collect"]);
    expect(rig.chain.collected).to.equal(8n * TRANCHE);
  });

  it("of many tabs share transactions of at most 100 vouchers", async () => {
    for (let digit = 30; digit < 46; digit++) {
      const key = new Uint8Array(32).fill(digit);
      rig.chain.deposit(addressOfKey(key), 10_000n * TRANCHE);
      for (let count = 0; count < 16; count++) {
        const wallet = rig.pay({ key, tabLimit: 100n * TRANCHE }, new WalletStore(":memory:"));
        await pay(await rig.tab(wallet, life), 17n * TRANCHE);
      }
    }
    // Tabs are read in turns.
    for (let round = 0; round < 3; round++) await life.redeemer.round();
    expect(rig.chain.earned + rig.chain.collected).to.equal(256n * 17n * TRANCHE);
    expect(batches().every((items) => items.length <= 100)).to.be.true;
    expect(batches().flat()).to.have.length(256);
  });

  it("pay once what a crash between transaction and receipt leaves open", async () => {
    const tab = await rig.tab(rig.pay(), life);
    await pay(tab, 17n * TRANCHE);
    rig.chain.fault = (moment, name) => {
      if (moment === "receipt" && name === "redeemBatch") throw new Error("the process ends here");
    };
    await life.redeemer.round();
    life.crash();
    rig.chain.fault = () => undefined;
    life = rig.collect();
    await life.redeemer.round();
    await life.redeemer.round();
    expect(rig.chain.collected).to.equal(17n * TRANCHE);
    expect(batches()).to.have.length(1);
    const again = life.collector.find(payer, tab[0].tab)!;
    await pay([tab[0], again], 20n * TRANCHE);
    expect(again.paid).to.equal(20n * TRANCHE);
  });

  it("with a grade wait for their verdicts, in order, and pass over the epochs that missed it", async () => {
    rig.chain.verdicts.set(999, 3);
    life = rig.collect(GRADED);
    await life.collector.start();
    const tab = await gradedTab();
    for (let epoch = 1_000; epoch < 1_004; epoch++) {
      // The provider is down in epochs 1,001 and 1,002: their median and that of their neighbours is 0.
      rig.chain.verdicts.set(epoch, epoch === 1_001 || epoch === 1_002 ? 0 : 3);
      await pay(tab, BigInt(epoch - 999) * 20n * TRANCHE);
      await life.redeemer.round();
      await rig.pass(3_600);
    }
    rig.chain.verdicts.set(1_004, 3);
    expect(
      batches()
        .flat()
        .map(({ voucher }) => voucher.epoch),
    ).to.deep.equal([1_000]);
    expect(rig.chain.earned + rig.chain.collected).to.equal(20n * TRANCHE);
    for (let epoch = 1_004; epoch < 1_008; epoch++) {
      await life.redeemer.round();
      await rig.pass(3_600);
    }
    expect(
      batches()
        .flat()
        .map(({ voucher }) => voucher.epoch),
    ).to.deep.equal([1_000, 1_003]);
    expect(rig.chain.earned + rig.chain.collected).to.equal(40n * TRANCHE);
    const view = await rig.chain.tabOf(tab[0].authorization);
    expect(view).to.include({ redeemed: 80n * TRANCHE, passed: 40n * TRANCHE });
    expect(life.collector.grades.waiting).to.equal(0n);
  });

  it("with a grade go on although a part of the round fails", async () => {
    rig.chain.verdicts.set(999, 3).set(1_000, 3);
    life = rig.collect(GRADED);
    await life.collector.start();
    await pay(await gradedTab(), 20n * TRANCHE);
    await rig.pass(3 * 3_600);
    rig.chain.fault = (moment, name) => {
      if (moment === "read" && name === "gradeOf") throw new Error("no answer");
    };
    await life.redeemer.round();
    expect(rig.log.said("warn")).to.have.length(1);
    expect(rig.chain.earned).to.equal(0n);
    rig.chain.fault = () => undefined;
    await life.redeemer.round();
    expect(rig.chain.collected).to.equal(20n * TRANCHE);
  });

  it("income above gas: with haste by a fifth, without it twenty times", () => {
    const terms = { gas: 100n, gasPrice: 10n, blocPriceWei: 10n ** 18n };
    expect(isWorth({ ...terms, income: 1_224n, isUrgent: true })).to.be.false;
    expect(isWorth({ ...terms, income: 1_226n, isUrgent: true })).to.be.true;
    expect(isWorth({ ...terms, income: 20_408n, isUrgent: false })).to.be.false;
    expect(isWorth({ ...terms, income: 20_409n, isUrgent: false })).to.be.true;
  });

  it("run by themselves until they are stopped", async () => {
    const tab = await rig.tab(rig.pay(), life);
    await pay(tab, 17n * TRANCHE);
    await life.redeemer.start();
    await rig.pass(2);
    expect(rig.chain.collected).to.equal(17n * TRANCHE);
    await life.redeemer.stop();
    await life.collector.stop();
    life = rig.collect();
    await pay([tab[0], life.collector.find(payer, tab[0].tab)!], 40n * TRANCHE);
    const before = rig.chain.mined.length;
    await rig.pass(10);
    expect(rig.chain.mined).to.have.length(before);
  });
});
