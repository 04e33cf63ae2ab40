import { expect } from "chai";
import { CollectorStore } from "../../src/cashier/collector/store.ts";
import { WalletStore } from "../../src/cashier/payer/store.ts";
import { booksOf } from "../../src/cashier/quote.ts";
import type { CollectorTab } from "../../src/cashier/tabs.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  signTab,
  tabOf,
  type Redemption,
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
  type Pair,
} from "./rig/payRig.ts";

const stranger = new Uint8Array(32).fill(3);
const separator = cashierSeparator(domain);

describe("a collector's tabs", () => {
  let rig: Pair["rig"];
  let life: Pair["life"];
  let wallet: Pair["wallet"];
  let ours: Pair["ours"];
  let theirs: Pair["theirs"];
  beforeEach(async () => {
    ({ rig, life, wallet, ours, theirs } = await PayRig.pair());
  });

  const credit = (item: Redemption) => committed(life, theirs.credit(item));

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

    it("are bounded in number, for a payer who uses them", async () => {
      for (let count = 0; count < 16; count++) {
        const other = rig.pay({ tabLimit: 100n * TRANCHE }, new PayRig().walletDisk);
        const own = await other.tabFor(life.collector.quote());
        await committed(life, (await open(life, own)).credit(await own.pay(1n)));
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

  describe("too many tabs", () => {
    /** Presents a tab of some payer, who may use it. */
    const present = async (digit: number, used: boolean, times = 1) => {
      const key = new Uint8Array(32).fill(digit);
      const address = addressOfKey(key);
      rig.chain.deposit(address, 100_000n * TRANCHE);
      const tabs = [];
      for (let time = 0; time < times; time += 1) {
        const other = rig.pay({ key }, new WalletStore(":memory:"));
        const tab = await other.tabFor(life.collector.quote());
        const shown = await open(life, tab);
        if (used) await committed(life, shown.credit(await tab.pay(1n)));
        tabs.push(shown);
      }
      return tabs;
    };
    const held = (tab: CollectorTab) => life.collector.find(tab.payer, tab.tab) !== undefined;

    it("that nobody has used make room, the oldest first; one that is used stays", async () => {
      life = rig.collect({ tabs: { all: 4, payer: 4 } }, new CollectorStore(":memory:"));
      const [first] = await present(11, false);
      const [used] = await present(12, true);
      const [second] = await present(13, false);
      const [third] = await present(14, false);
      const [fourth] = await present(15, false);
      expect([first!, used!, second!, third!, fourth!].map(held)).to.deep.equal([
        ...[false, true, true, true, true],
      ]);
      const ended: unknown[] = [];
      second!.onEnd((error) => ended.push(error));
      await present(16, false);
      expect(held(second!)).to.equal(false);
      expect(ended, "its session asks for another one").to.have.length(1);
    });

    it("are refused when all were used", async () => {
      life = rig.collect({ tabs: { all: 2, payer: 2 } }, new CollectorStore(":memory:"));
      await present(11, true);
      await present(12, true);
      await rejection("CASHIER_BUSY", present(13, false));
    });

    it("of one payer make room among themselves", async () => {
      life = rig.collect({ tabs: { all: 100, payer: 3 } }, new CollectorStore(":memory:"));
      const [other] = await present(11, false);
      const own = await present(12, false, 5);
      expect(held(other!)).to.equal(true);
      expect(own.map(held)).to.deep.equal([false, false, true, true, true]);
      await present(13, true, 3);
      await rejection("CASHIER_BUSY", present(13, true));
    });
  });
});
