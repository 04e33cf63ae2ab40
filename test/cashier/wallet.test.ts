import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { WalletStore } from "../../src/cashier/payer/store.ts";
import type { Wallet } from "../../src/cashier/payer/wallet.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { voucherSigner } from "../../src/protocol/voucher.ts";
import { expectCode } from "../support/expectCode.ts";
import { rejection } from "../support/rejection.ts";
import { committed, hex, open, payer, PayRig, service, TRANCHE, WINDOW } from "./rig/payRig.ts";

const DAY_S = 86_400;

describe("a payer's wallet", () => {
  let rig: PayRig;
  beforeEach(() => {
    rig = new PayRig();
  });

  it("authorizes a tab, and signs vouchers in order that name their epoch", async () => {
    const wallet = rig.pay();
    const tab = await wallet.tabFor(rig.collect().collector.quote());
    expect(tab.authorization).to.include({ payer, service, signer: payer, tab: tab.tab });
    const first = await tab.pay(TRANCHE);
    expect(voucherSigner(rig.chain.separator, first)).to.equal(payer);
    expect(first.voucher).to.include({ cumulative: TRANCHE, base: 0n, minGrade: 0, epoch: 1_000 });
    const second = await tab.pay(3n * TRANCHE);
    expect(second.voucher.cumulative).to.equal(3n * TRANCHE);
    // What is asked again, and less, is the same voucher: messages may be lost and doubled.
    expect(await tab.pay(TRANCHE)).to.equal(second);
    expect(tab.cumulative).to.equal(3n * TRANCHE);
  });

  it("uses one tab for all that pay the same collector, also after a restart, and two tabs for two", async () => {
    const [first, second] = [rig.collect(), rig.collect({}, new PayRig().collectorDisk)];
    const wallet = rig.pay();
    const tabs = await Promise.all([
      wallet.tabFor(first.collector.quote()),
      wallet.tabFor(first.collector.quote()),
      wallet.tabFor(second.collector.quote()),
    ]);
    expect(new Set(tabs.map(({ tab }) => tab)).size).to.equal(2);
    expect(tabs[0]?.tab).to.equal(tabs[1]?.tab);
    const again = await rig.pay().tabFor(first.collector.quote());
    expect(again.tab).to.equal(tabs[0]?.tab);
  });

  it("writes ahead in strides: most vouchers wait for no disk", async () => {
    const tab = await rig.pay().tabFor(rig.collect().collector.quote());
    const before = writes(rig);
    for (let part = 1n; part <= 64n; part++) await tab.pay((part * TRANCHE) / 16n);
    // Four tranches in strides of two.
    expect(writes(rig) - before).to.be.at.most(3);
  });

  it("goes on from the stride after a crash, and from the collector's newest voucher if it shows one", async () => {
    const life = rig.collect();
    const lost = await rig.pay().tabFor(life.collector.quote());
    await open(life, lost);
    const sent = await lost.pay(TRANCHE);
    const blind = await rig.pay().tabFor(life.collector.quote());
    const ahead = await blind.pay(TRANCHE);
    expect(ahead.voucher.cumulative).to.equal(TRANCHE + WINDOW);

    const other = new PayRig();
    const theirs = other.collect();
    await (await other.pay().tabFor(theirs.collector.quote())).pay(TRANCHE);
    const told = await other.pay().tabFor(theirs.collector.quote());
    expectCode("CASHIER_VOUCHER", () => {
      told.recover({ ...sent, voucher: { ...sent.voucher, cumulative: 1n } });
    });
  });

  it("knows after an orderly end what it owes, and does not after a crash", async () => {
    const quote = rig.collect().collector.quote();
    const wallet = rig.pay();
    const tab = await wallet.tabFor(quote);
    expect(tab.owed).to.equal(undefined);
    await tab.pay(TRANCHE);
    tab.owed = 7n;
    closeOnly(rig, wallet);
    const next = await rig.pay().tabFor(quote);
    expect(next.owed).to.equal(7n);
    next.owed = 9n;
    // This process ends without closing its wallet.
    expect((await rig.pay().tabFor(quote)).owed).to.equal(undefined);
  });

  it("does not lock the account for a quote that asks for much more than the caps leave", async () => {
    const quote = { ...rig.collect().collector.quote(), leastLimit: 1_000n * TRANCHE };
    const small = rig.pay({ caps: { total: { ever: TRANCHE } } });
    await rejection("CASHIER_QUOTE", small.tabFor(quote));
    const chosen = rig.pay({ caps: { total: { ever: TRANCHE } }, tabLimit: 1_000n * TRANCHE });
    expect((await chosen.tabFor(quote)).authorization.limit).to.equal(1_000n * TRANCHE);
  });

  it("reserves no more than the caps leave, and what the quote asks at least", async () => {
    const quote = rig.collect().collector.quote();
    const cap = quote.leastLimit + 1n;
    const tab = await rig.pay({ caps: { total: { ever: cap } } }).tabFor(quote);
    expect(tab.authorization.limit).to.equal(cap);
  });

  it("believes the collector's voucher only if its own key signed it", async () => {
    const life = rig.collect();
    const tab = await rig.pay().tabFor(life.collector.quote());
    const sent = await tab.pay(TRANCHE);
    const restarted = await rig.pay().tabFor(life.collector.quote());
    for (const change of [
      { cumulative: TRANCHE + 1n },
      { base: 1n },
      { tab: service },
      { payer: addressOfKey(new Uint8Array(32).fill(3)) },
    ])
      expectCode("CASHIER_VOUCHER", () => {
        restarted.recover({ ...sent, voucher: { ...sent.voucher, ...change } });
      });
    restarted.recover(sent);
    expect(restarted.cumulative).to.equal(TRANCHE);
    expect((await restarted.pay(TRANCHE + 5n)).voucher.cumulative).to.equal(TRANCHE + 5n);
  });

  it("never falls below a voucher that a lost disk does not know", async () => {
    const life = rig.collect();
    const tab = await rig.pay().tabFor(life.collector.quote());
    const old = rig.walletDisk.tabs(payer)[0]!;
    const sent = await tab.pay(5n * TRANCHE);
    // A backup of the disk, from before the payment.
    const backup = new WalletStore(":memory:");
    backup.save(old);
    const restored = await rig.pay({}, backup).tabFor(life.collector.quote());
    expect(restored.cumulative).to.equal(0n);
    restored.recover(sent);
    expect(restored.cumulative).to.equal(5n * TRANCHE);
    expect(backup.payments()[0]?.amount).to.equal(5n * TRANCHE);
  });

  it("keeps the caps: in a day, for ever, for a service and for all; also after crashes", async () => {
    const caps = { eachService: { day: 5n * TRANCHE }, total: { ever: 8n * TRANCHE } };
    const life = rig.collect();
    let signed = 0n;
    for (let day = 0; day < 3; day++) {
      for (let crash = 0; crash < 4; crash++) {
        const wallet = rig.pay({ caps });
        const tab = await wallet.tabFor(life.collector.quote()).catch(() => undefined);
        for (; tab !== undefined && tab.left > 0n;) {
          const { voucher } = await tab.pay(tab.cumulative + min(tab.left, TRANCHE / 2n));
          signed = max(signed, voucher.cumulative);
        }
        if (tab !== undefined) await rejection("CASHIER_CAP", tab.pay(tab.cumulative + 1n));
      }
      expect(signed <= BigInt(5 * (day + 1)) * TRANCHE, `day ${day}`).to.be.true;
      await rig.pass(DAY_S);
    }
    expect(signed).to.equal(8n * TRANCHE);
    await rejection("CASHIER_CAP", rig.pay({ caps }).tabFor(life.collector.quote()));
  });

  it("a closed wallet gives back what it counted ahead and never signed", async () => {
    const caps = { total: { ever: 4n * TRANCHE } };
    const life = rig.collect();
    const wallet = rig.pay({ caps });
    await (await wallet.tabFor(life.collector.quote())).pay(TRANCHE);
    expect(rig.walletDisk.payments()[0]?.amount).to.equal(3n * TRANCHE);
    closeOnly(rig, wallet);
    expect(rig.walletDisk.payments()[0]?.amount).to.equal(TRANCHE);
    const tab = await rig.pay({ caps }).tabFor(life.collector.quote());
    expect(tab.cumulative).to.equal(TRANCHE);
    expect(tab.left).to.equal(3n * TRANCHE);
  });

  it("refuses quotes of another Cashier, chain, of sub-services, of grades not given, and of too much", async () => {
    const wallet = rig.pay({ tabLimit: 200n * TRANCHE });
    const quote = rig.collect().collector.quote();
    for (const change of [
      { chainId: 1 },
      { cashier: payer },
      { service: hex("1") },
      { leastLimit: 201n * TRANCHE },
    ])
      await rejection("CASHIER_QUOTE", wallet.tabFor({ ...quote, ...change }));
    await rejection("CASHIER_QUOTE", wallet.tabFor(quote, { minGrade: 1 }));
    await rejection("CASHIER_FUNDS", new PayRig({ deposit: 1n }).pay().tabFor(quote));
    rig.chain.fault = () => {
      throw new Error("no answer");
    };
    await rejection("CASHIER_CHAIN", wallet.tabFor(quote));
  });

  it("promises no more than the account has, over all collectors together", async () => {
    const poor = new PayRig({ deposit: 250n * TRANCHE });
    const quote = () => poor.collect({}, new PayRig().collectorDisk).collector.quote();
    const wallet = poor.pay({ tabLimit: 100n * TRANCHE });
    await wallet.tabFor(quote());
    await wallet.tabFor(quote());
    await rejection("CASHIER_FUNDS", wallet.tabFor(quote()));
  });

  it("raises a tab that is nearly used up, and gives up one that is closed", async () => {
    const life = rig.collect();
    const wallet = rig.pay({ tabLimit: 120n * TRANCHE });
    const [ours, theirs] = await rig.tab(wallet, life);
    await committed(life, theirs.credit(await ours.pay(110n * TRANCHE)));
    expect((await wallet.tabFor(life.collector.quote())).tab).to.equal(ours.tab);
    expect(ours.authorization.limit).to.equal(230n * TRANCHE);
    await open(life, ours);
    await committed(life, theirs.credit(await ours.pay(200n * TRANCHE)));
    expect(theirs.paid).to.equal(200n * TRANCHE);

    await rig.pass(61);
    rig.chain.announceClosing(ours.authorization);
    const next = await wallet.tabFor(life.collector.quote());
    expect(next.tab).not.to.equal(ours.tab);
    await rejection("CASHIER_TAB_ENDED", ours.pay(201n * TRANCHE));
  });

  it("a session key pays within its limit, for an account whose key is elsewhere", async () => {
    const key = new Uint8Array(32).fill(5);
    rig.chain.authorizeSigner(payer, addressOfKey(key), 150n * TRANCHE);
    const life = rig.collect();
    const wallet = rig.pay({ key, payer });
    const [ours, theirs] = await rig.tab(wallet, life);
    expect(ours.authorization.limit).to.equal(150n * TRANCHE);
    expect(theirs.signer).to.equal(addressOfKey(key));
    await committed(life, theirs.credit(await ours.pay(90n * TRANCHE)));
    await rejection(
      "CASHIER_FUNDS",
      wallet.tabFor(rig.collect({}, new PayRig().collectorDisk).collector.quote()),
    );
    rig.chain.revokeSigner(payer, addressOfKey(key));
    ours.end();
    await rejection("CASHIER_FUNDS", wallet.tabFor(life.collector.quote()));
  });

  it("keeps its state in a file that survives the process", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "wallet-"));
    const file = path.join(folder, "wallet.sqlite");
    const quote = rig.collect().collector.quote();
    const disk = new WalletStore(file);
    const tab = await rig.pay({}, disk).tabFor(quote);
    await tab.pay(TRANCHE);
    disk.close();
    const again = new WalletStore(file);
    const restarted = await rig.pay({}, again).tabFor(quote);
    expect(restarted.authorization).to.deep.equal(tab.authorization);
    expect(restarted.signature).to.equal(tab.signature);
    expect(restarted.cumulative).to.equal(TRANCHE + WINDOW);
    expect(again.payments()).to.have.length(1);
    again.close();
    rmSync(folder, { recursive: true });
  });
});

function writes(rig: PayRig): number {
  const disk = rig.walletDisk as WalletStore & { count?: number };
  if (disk.count === undefined) {
    disk.count = 0;
    const save = disk.save.bind(disk);
    disk.save = (...args) => {
      disk.count = (disk.count ?? 0) + 1;
      save(...args);
    };
  }
  return disk.count;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** Closes a wallet; its disk stays open for the next one. */
function closeOnly(rig: PayRig, wallet: Wallet): void {
  const close = rig.walletDisk.close.bind(rig.walletDisk);
  rig.walletDisk.close = () => undefined;
  wallet.close();
  rig.walletDisk.close = close;
}
