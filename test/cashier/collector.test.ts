import { expect } from "chai";
import { parseEther } from "viem";
import type { Wallet } from "../../src/cashier/payer/wallet.ts";
import { booksOf } from "../../src/cashier/quote.ts";
import type { CollectorTab, PayerTab } from "../../src/cashier/tabs.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  signTab,
  signVoucher,
  tabOf,
  type Redemption,
  type Voucher,
} from "../../src/protocol/voucher.ts";
import { rejection } from "../support/rejection.ts";
import {
  collectorKey,
  committed,
  domain,
  hex,
  open,
  payer,
  payerKey,
  PayRig,
  TRANCHE,
  type CollectorLife,
} from "./rig/payRig.ts";

const stranger = new Uint8Array(32).fill(3);
const separator = cashierSeparator(domain);

describe("a collector", () => {
  let rig: PayRig;
  let life: CollectorLife;
  let wallet: Wallet;
  let ours: PayerTab;
  let theirs: CollectorTab;
  beforeEach(async () => {
    rig = new PayRig();
    life = rig.collect();
    wallet = rig.pay();
    [ours, theirs] = await rig.tab(wallet, life);
  });

  const credit = (item: Redemption) => committed(life, theirs.credit(item));
  /** A voucher of the tab, with what an attacker changes. */
  const voucher = (change: Partial<Voucher>, key = payerKey, by = separator, salt = ours.salt) => {
    const { service, tab } = ours;
    const fair = { payer, service, tab, cumulative: TRANCHE, base: 0n, minGrade: 0, epoch: 1_000 };
    return signVoucher(by, { ...fair, ...change }, salt, key);
  };

  describe("quotes", () => {
    it("name what is asked, with a salt that no tab has; many cost nothing", () => {
      const quotes = Array.from({ length: 1_000 }, () => life.collector.quote(payer));
      expect(new Set(quotes.map(({ salt }) => salt)).size).to.equal(1_000);
      expect(new Set(quotes.map(({ salt }) => booksOf(salt))).size).to.equal(1);
      expect(quotes[0]).to.include({
        collector: addressOfKey(collectorKey),
        trancheBytes: 2 ** 20,
      });
    });

    it("too old, or of another collector's books, open no tab", async () => {
      const old = life.collector.quote();
      const foreign = rig.collect({}, new PayRig().collectorDisk).collector.quote();
      await rig.pass(3_601);
      for (const quote of [old, foreign]) {
        const tab = await rig.pay({}, new PayRig().walletDisk).tabFor(quote);
        await rejection("CASHIER_AUTHORIZATION", open(life, tab));
      }
    });
  });

  describe("tabs", () => {
    it("are on disk before they are taken, and are found again after a crash", async () => {
      life.crash();
      life = rig.collect();
      const again = life.collector.find(payer, ours.tab);
      expect(again).to.include({ limit: ours.authorization.limit, charged: 0n, paid: 0n });
      expect(life.collector.find(addressOfKey(stranger), ours.tab)).to.equal(undefined);
      expect(await open(life, ours)).to.equal(again);
    });

    it("refuse authorizations that the contract would refuse, or that others signed", async () => {
      const fresh = async (change: object, key = payerKey, by = separator) => {
        const { service, salt, collector } = life.collector.quote();
        const now = Math.floor(rig.time.now());
        const terms = {
          ...{ payer, service, tab: tabOf(collector, salt), signer: payer },
          ...{ limit: 100n * TRANCHE, openBy: now + 80_000, expiresAt: now + 86_400 },
          ...change,
        };
        const opening = { authorization: terms, signature: signTab(by, terms, key), salt };
        return committed(life, life.collector.open(opening));
      };
      await fresh({});
      const now = Math.floor(rig.time.now());
      const elsewhere = cashierSeparator(cashierDomain(1n, domain.verifyingContract));
      for (const [what, attempt] of Object.entries({
        "another's key": fresh({}, stranger),
        "another chain": fresh({}, payerKey, elsewhere),
        "another service": fresh({ service: hex("1") }),
        "another tab": fresh({ tab: hex("1") }),
        "too little": fresh({ limit: TRANCHE }),
        "no time to open": fresh({ openBy: now + 60 }),
        "open for ever": fresh({ openBy: now + 200_000 }),
        expired: fresh({ expiresAt: now }),
        "expires too late": fresh({ expiresAt: now + 2_600_000 }),
        "an unknown session key": fresh({ signer: addressOfKey(stranger) }, stranger),
      }))
        await rejection("CASHIER_AUTHORIZATION", attempt).catch((error: unknown) => {
          throw new Error(what, { cause: error });
        });
      await rejection("CASHIER_FUNDS", fresh({ limit: 20_000n * TRANCHE }));
    });

    it("count what other tabs of the payer reserve, although none is open on chain", async () => {
      const poor = new PayRig({ deposit: 150n * TRANCHE });
      const theirs = poor.collect();
      const cheat = () =>
        new PayRig({ deposit: 1_000n * TRANCHE }).pay({ tabLimit: 100n * TRANCHE });
      await open(theirs, await cheat().tabFor(theirs.collector.quote()));
      const second = await cheat().tabFor(theirs.collector.quote());
      await rejection("CASHIER_FUNDS", open(theirs, second));
    });

    it("of a session key are refused when its limit is used up, or when it was revoked", async () => {
      const session = addressOfKey(stranger);
      rig.chain.authorizeSigner(payer, session, 500n * TRANCHE);
      const tab = await rig.pay({ key: stranger, payer }).tabFor(life.collector.quote());
      rig.chain.authorizeSigner(payer, session, 1n);
      await rejection("CASHIER_FUNDS", open(life, tab));
      rig.chain.revokeSigner(payer, session);
      await rejection("CASHIER_AUTHORIZATION", open(life, tab));
    });

    it("of a payer whose code says no are taken if its key signed, and by its code if that says yes", async () => {
      const { service, salt, collector } = life.collector.quote();
      const now = Math.floor(rig.time.now());
      const signer = addressOfKey(stranger);
      const terms = {
        ...{ payer, service, tab: tabOf(collector, salt), signer },
        ...{ limit: 100n * TRANCHE, openBy: now + 80_000, expiresAt: now + 86_400 },
      };
      rig.chain.codes.set(payer, () => false);
      const byOther = signTab(separator, terms, stranger);
      const other = { authorization: terms, signature: byOther, salt };
      await rejection("CASHIER_AUTHORIZATION", committed(life, life.collector.open(other)));
      rig.chain.codes.set(payer, (_, signature) => signature === byOther);
      await committed(life, life.collector.open(other));

      rig.chain.codes.set(payer, () => false);
      const own = await rig.pay({}, new PayRig().walletDisk).tabFor(life.collector.quote());
      const tab = await open(life, own);
      // Nor is the code asked about a voucher.
      await committed(life, tab.credit(await own.pay(TRANCHE)));
      expect(tab.paid).to.equal(TRANCHE);
    });

    it("are bounded in number, for a payer", async () => {
      for (let count = 1; count < 16; count++) {
        const other = rig.pay({ tabLimit: 100n * TRANCHE }, new PayRig().walletDisk);
        await open(life, await other.tabFor(life.collector.quote()));
      }
      const last = await rig.pay({}, new PayRig().walletDisk).tabFor(life.collector.quote());
      await rejection("CASHIER_BUSY", open(life, last));
    });

    it("cannot be taken while the chain does not answer, and can afterwards", async () => {
      const other = await rig.pay({}, new PayRig().walletDisk).tabFor(life.collector.quote());
      rig.chain.fault = () => {
        throw new Error("no answer");
      };
      await rejection("CASHIER_CHAIN", open(life, other));
      rig.chain.fault = () => undefined;
      expect((await open(life, other)).tab).to.equal(other.tab);
    });
  });

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
      const tabs: [PayerTab, CollectorTab][] = [];
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

  describe("the end of a tab", () => {
    const end = () => {
      const heard: string[] = [];
      theirs.onEnd((error) => heard.push((error as Error & { code: string }).code));
      return heard;
    };

    it("comes when nobody opened it in time; a later authorization lets it serve again", async () => {
      const heard = end();
      await credit(await ours.pay(TRANCHE));
      await life.redeemer.round();
      expect(heard).to.deep.equal([]);
      await rig.pass(90_000);
      await life.redeemer.round();
      expect(heard).to.deep.equal(["CASHIER_TAB_ENDED"]);
      expect((await wallet.tabFor(life.collector.quote())).tab).to.equal(ours.tab);
      expect(await open(life, ours)).to.equal(theirs);
      await credit(await ours.pay(2n * TRANCHE));
      expect(theirs.paid).to.equal(2n * TRANCHE);
    });

    it("that was never used is forgotten, and its payer authorizes another one", async () => {
      await rig.pass(90_000);
      await life.redeemer.round();
      expect(life.collector.find(payer, ours.tab)).to.equal(undefined);
      life.commit();
      expect(rig.collectorDisk.tabs()).to.deep.equal([]);
      await rejection("CASHIER_TAB_ENDED", credit(await ours.pay(TRANCHE)));
      expect(life.collector.exposure.total).to.equal(0n);
      ours.end();
      const next = await wallet.tabFor(life.collector.quote());
      expect(next.tab).not.to.equal(ours.tab);
      await open(life, next);
    });

    it("comes when its payer announces to close it; what is owed is still paid", async () => {
      const heard = end();
      theirs.charge(18n * TRANCHE);
      await credit(await ours.pay(17n * TRANCHE));
      rig.chain.announceClosing(ours.authorization);
      await life.redeemer.round();
      expect(heard).to.deep.equal(["CASHIER_TAB_CLOSING"]);
      await credit(await ours.pay(18n * TRANCHE));
      await life.redeemer.round();
      expect(rig.chain.earned + rig.chain.collected).to.equal(18n * TRANCHE);
    });

    it("comes when it expires; then it is redeemed and closed, and the payer gets back the rest", async () => {
      await credit(await ours.pay(17n * TRANCHE));
      await rig.pass(700_000);
      const heard = end();
      await life.redeemer.round();
      expect(heard).to.deep.equal(["CASHIER_TAB_ENDED"]);
      expect(rig.chain.mined.map(({ functionName }) => functionName)).to.deep.equal([
        ...["openTab", "redeemBatch", "collect", "closeAsCollector"],
      ]);
      expect(rig.chain.accounts.get(payer)).to.deep.equal({
        free: 9_983n * TRANCHE,
        reserved: 0n,
      });
      expect(life.collector.find(payer, ours.tab)).to.equal(undefined);
    });
  });
});
