import { expect } from "chai";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { cashierDomain, cashierSeparator, type Redemption } from "../../src/protocol/voucher.ts";
import { rejection } from "../support/rejection.ts";
import {
  committed,
  domain,
  hex,
  open,
  payer,
  payerKey,
  PayRig,
  TRANCHE,
  tabVoucher,
  type Pair,
  type VoucherChange,
} from "./rig/payRig.ts";

const stranger = new Uint8Array(32).fill(3);
const separator = cashierSeparator(domain);

describe("a collector's vouchers", () => {
  let rig: Pair["rig"];
  let life: Pair["life"];
  let ours: Pair["ours"];
  let theirs: Pair["theirs"];
  beforeEach(async () => {
    ({ rig, life, ours, theirs } = await PayRig.pair());
  });

  const credit = (item: Redemption) => committed(life, theirs.credit(item));
  /** A voucher of the tab, with what an attacker changes. */
  const voucher = (...how: VoucherChange) => tabVoucher(ours, ...how);

  describe("vouchers", () => {
    it("count when they are on disk, and survive a crash", async () => {
      const voucher = await ours.pay(TRANCHE);
      const taken = theirs.credit(voucher);
      await Promise.resolve();
      expect(theirs.paid).to.equal(0n);
      await committed(life, taken);
      expect(theirs.paid).to.equal(TRANCHE);
      life.crash();
      life = rig.collect();
      const again = life.collector.find(payer, ours.tab);
      expect(again).to.include({ paid: TRANCHE });
      expect(again?.last).to.deep.equal(voucher);
    });

    it("of many credits share a commit, and a commit that fails tells all of them", async () => {
      const commit = rig.collectorDisk.commit.bind(rig.collectorDisk);
      let commits = 0;
      rig.collectorDisk.commit = (...args) => {
        commits += 1;
        commit(...args);
      };
      const items = [];
      for (let part = 1n; part <= 10n; part++) items.push(await ours.pay((part * TRANCHE) / 10n));
      await committed(life, Promise.all(items.map((item) => theirs.credit(item))));
      expect(commits).to.equal(1);
      rig.collectorDisk.commit = () => {
        throw new Error("the disk is full");
      };
      const two = [theirs.credit(await ours.pay(2n * TRANCHE)), theirs.credit(await ours.pay(1n))];
      const [failed] = await committed(life, Promise.allSettled(two));
      expect(failed?.status).to.equal("rejected");
      expect(theirs.paid).to.equal(TRANCHE);
      rig.collectorDisk.commit = commit;
      await credit(await ours.pay(2n * TRANCHE));
      expect(theirs.paid).to.equal(2n * TRANCHE);
    });

    it("and charges: a tranche of them is written at once, less within 200 ms", async () => {
      theirs.charge(TRANCHE - 1n);
      expect(life.waits()).to.deep.equal([200]);
      theirs.charge(1n);
      expect(life.waits()).to.deep.equal([20]);
      life.commit();
      expect(rig.collectorDisk.tabs()[0]?.charged).to.equal(TRANCHE);
      theirs.charge(1n);
      expect(life.waits()).to.deep.equal([200]);
      life.crash();
      life = rig.collect();
      expect(life.collector.find(payer, ours.tab)?.charged).to.equal(TRANCHE);
    });

    it("and charges of a session with a larger tranche: that is written at once", () => {
      theirs.charge(4n * TRANCHE - 1n, "session", 4n * TRANCHE);
      expect(life.waits()).to.deep.equal([200]);
      theirs.charge(1n, "session", 4n * TRANCHE);
      expect(life.waits()).to.deep.equal([20]);
      life.commit();
      // A smaller one than the least does not count.
      theirs.charge(1n, "session", 1n);
      expect(life.waits()).to.deep.equal([200]);
    });

    it("lower and doubled ones change nothing, in any order", async () => {
      const [low, high] = [await ours.pay(TRANCHE), await ours.pay(2n * TRANCHE)];
      for (const item of [high, low, high, low]) await credit(item);
      expect(theirs.paid).to.equal(2n * TRANCHE);
      expect(theirs.last).to.equal(high);
    });

    it("refuse every change: amount, tab, payer, service, salt, key, chain and contract", async () => {
      const fair = await ours.pay(TRANCHE);
      const fork = cashierSeparator(cashierDomain(1n, domain.verifyingContract));
      const copy = cashierSeparator(cashierDomain(31_337n, addressOfKey(stranger)));
      for (const [what, item] of Object.entries({
        "over the limit": voucher({ cumulative: ours.authorization.limit + 1n }),
        "another tab": voucher({ tab: hex("1") }),
        "another payer": voucher({ payer: addressOfKey(stranger) }, stranger),
        "another service": voucher({ service: hex("1") }),
        "another salt": voucher({}, payerKey, separator, hex("1")),
        "another key": voucher({}, stranger),
        "another chain": voucher({}, payerKey, fork),
        "another contract": voucher({}, payerKey, copy),
        "a changed amount": { ...fair, voucher: { ...fair.voucher, cumulative: TRANCHE + 1n } },
        "nothing above its base": voucher({ base: TRANCHE }),
        "a later epoch": voucher({ epoch: 1_001 }),
      }))
        await rejection("CASHIER_VOUCHER", credit(item)).catch((error: unknown) => {
          throw new Error(what, { cause: error });
        });
      expect(theirs.paid).to.equal(0n);
    });

    it("refuse a base that would void what was signed before", async () => {
      // With a base of all but one wei, a redemption would pay one wei.
      await rejection("CASHIER_BASE", credit(voucher({ base: TRANCHE - 1n })));
      await credit(voucher({}));
      await rejection("CASHIER_BASE", credit(voucher({ cumulative: 9n * TRANCHE, base: TRANCHE })));
      await rig.pass(3_600);
      const next = { cumulative: 9n * TRANCHE, epoch: 1_001 };
      await rejection("CASHIER_BASE", credit(voucher({ ...next, base: TRANCHE + 1n })));
      await credit(voucher({ ...next, base: TRANCHE }));
      await rejection("CASHIER_VOUCHER", credit(voucher({ cumulative: 10n * TRANCHE })));
    });

    it("keep the last one of each epoch, unless a later one pays for it, too", async () => {
      await credit(voucher({ cumulative: TRANCHE }));
      await credit(voucher({ cumulative: 2n * TRANCHE }));
      await rig.pass(3_600);
      await credit(voucher({ cumulative: 3n * TRANCHE, base: 2n * TRANCHE, epoch: 1_001 }));
      const stored = () => rig.collectorDisk.tabs()[0]?.vouchers.map((held) => held.voucher.epoch);
      expect(stored()).to.deep.equal([1_000, 1_001]);
      await rig.pass(3_600);
      await credit(voucher({ cumulative: 4n * TRANCHE, epoch: 1_002 }));
      expect(stored()).to.deep.equal([1_002]);
    });
  });

  describe("grades", () => {
    const graded = { highestGrade: 3, gradedCap: 10n * TRANCHE };

    it("are taken only while a recent verdict reaches them, and up to their cap", async () => {
      for (const [verdict, epoch, code] of [
        [2, 998, "CASHIER_GRADE"],
        [3, 995, "CASHIER_GRADE"],
        [3, 999, undefined],
        [3, 996, undefined],
      ] as const) {
        const other = new PayRig();
        other.chain.verdicts.set(epoch, verdict);
        const theirLife = other.collect(graded);
        const tab = await other.pay().tabFor(theirLife.collector.quote(), { minGrade: 3 });
        const taken = await open(theirLife, tab);
        const attempt = committed(theirLife, taken.credit(await tab.pay(10n * TRANCHE)));
        if (code === undefined) await attempt;
        else await rejection(code, attempt);
        if (code === undefined) {
          const over = committed(theirLife, taken.credit(await tab.pay(10n * TRANCHE + 1n)));
          await rejection("CASHIER_GRADE", over);
          expect(theirLife.collector.grades.waiting).to.equal(10n * TRANCHE);
        }
      }
    });

    it("may not rise within an epoch: an amount that is owed would become uncertain", async () => {
      const other = new PayRig();
      other.chain.verdicts.set(999, 3);
      life = other.collect(graded);
      [ours, theirs] = await other.tab(other.pay(), life);
      await credit(voucher({ cumulative: 2n * TRANCHE }));
      await rejection("CASHIER_GRADE", credit(voucher({ cumulative: 3n * TRANCHE, minGrade: 1 })));
      await credit(voucher({ cumulative: 3n * TRANCHE }));
    });

    it("one with a grade replaces none without: what is owed stays owed if the grade is missed", async () => {
      const other = new PayRig();
      other.chain.verdicts.set(999, 3).set(1_000, 3);
      life = other.collect(graded);
      [ours, theirs] = await other.tab(other.pay(), life);
      await credit(voucher({ cumulative: 2n * TRANCHE }));
      await other.pass(3_600);
      await life.collector.grades.refresh();
      await credit(voucher({ cumulative: 3n * TRANCHE, minGrade: 3, epoch: 1_001 }));
      const held = other.collectorDisk.tabs()[0]?.vouchers.map((item) => item.voucher.minGrade);
      expect(held).to.deep.equal([0, 3]);
    });

    it("a voucher of an earlier epoch comes too late, for it would choose its verdicts", async () => {
      const other = new PayRig();
      other.chain.verdicts.set(999, 3);
      life = other.collect(graded);
      [ours, theirs] = await other.tab(other.pay(), life);
      const late = voucher({ minGrade: 3, epoch: 999 });
      await credit(late);
      await other.pass(1_800);
      const tooLate = voucher({ cumulative: 2n * TRANCHE, minGrade: 3, epoch: 999 });
      await rejection("CASHIER_VOUCHER", credit(tooLate));
    });

    it("a wallet's base is what the collector had when the epoch began, also after a loss", async () => {
      const other = new PayRig();
      other.chain.verdicts.set(999, 3);
      life = other.collect(graded);
      const mine = await other.pay().tabFor(life.collector.quote(), { minGrade: 3 });
      theirs = await open(life, mine);
      await credit(await mine.pay(TRANCHE));
      // A voucher that is lost, at the end of an epoch.
      await mine.pay(2n * TRANCHE);
      await other.pass(3_600);
      await rejection("CASHIER_BASE", credit(await mine.pay(3n * TRANCHE)));
      mine.recover(theirs.last);
      const { voucher: next } = await mine.pay(3n * TRANCHE);
      expect(next).to.include({ base: TRANCHE, epoch: 1_001, cumulative: 3n * TRANCHE });
    });
  });
});
