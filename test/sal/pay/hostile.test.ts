import { expect } from "chai";
import { compactVoucher } from "../../../src/sal/pay/fields.ts";
import { QuoteKind } from "../../../src/sal/pay/quoteFrame.ts";
import { FrameType } from "../../../src/sal/wire/frames.ts";
import { rejection } from "../../support/rejection.ts";
import { RawClient } from "../rig/rawClient.ts";
import { collect } from "../rig/salRig.ts";
import { FakePayerTab, FakeWallet } from "./rig/fakeWallet.ts";
import { MIB, PayRig, SINK, type PayRigOptions } from "./rig/payRig.ts";
import { RawPayer } from "./rig/rawPayer.ts";

const WINDOW = 2 * MIB;

describe("what each side can lose", () => {
  let rig: PayRig;

  function create(options: PayRigOptions = {}): PayRig {
    rig = new PayRig(options);
    return rig;
  }
  afterEach(() => {
    rig.stop();
  });

  const never = new Promise<never>(() => {});
  const debt = () => Number(rig.collector.tab.charged - rig.collector.tab.paid);

  /** The wallet signs no more from now on. */
  function stopPaying(): void {
    rig.wallet!.pays = never;
  }

  it("to a client that never pays: two tranches", async () => {
    create();
    const flow = await rig.ask(20 * MIB);
    stopPaying();
    const error = await rejection("SAL_UNPAID", rig.clock.play(collect(flow)));
    expect(debt()).to.be.at.most(WINDOW);
    expect(flow.bytesRead).to.be.at.most(WINDOW);
    expect(error.remedy).to.be.a("string");
    await rejection("SAL_UNPAID", rig.ask(1));
    expect(debt()).to.be.at.most(WINDOW);
  });

  it("to a client that uploads and never pays: two tranches, and nothing more reaches the service", async () => {
    create();
    const flow = await rig.open(SINK);
    stopPaying();
    const got = collect(flow);
    flow.end(Buffer.alloc(20 * MIB));
    await rejection("SAL_UNPAID", rig.clock.play(got));
    expect(debt()).to.be.at.most(WINDOW);
  });

  it("to many flows and sessions of a client that never pays: two tranches together", async () => {
    create();
    const others = [rig.client, rig.createClient(), rig.createClient()];
    const flows = await Promise.all(
      others.flatMap((each) => [rig.ask(9 * MIB, each), rig.ask(9 * MIB, each)]),
    );
    stopPaying();
    const ends = flows.map((flow) => rejection("SAL_UNPAID", collect(flow)));
    await rig.clock.play(Promise.all(ends));
    expect(debt()).to.be.at.most(WINDOW);
    for (const client of others) client.close();
  });

  it("to a client that pays too late: two tranches; it is cut off, and served again once it has paid", async () => {
    create({ pay: { graceMs: 2_000 } });
    const flow = await rig.ask(20 * MIB);
    const late = Promise.withResolvers<undefined>();
    rig.wallet!.pays = late.promise;
    await rejection("SAL_UNPAID", rig.clock.play(collect(flow)));
    expect(debt()).to.be.at.most(WINDOW);
    late.resolve(undefined);
    await rig.clock.advance(500);
    expect((await rig.clock.play(collect(await rig.ask(MIB)))).length).to.equal(MIB);
  });

  it("loses no byte when a client pays late, but within the grace", async () => {
    create();
    const flow = await rig.ask(20 * MIB);
    const got = collect(flow);
    const late = Promise.withResolvers<undefined>();
    rig.wallet!.pays = late.promise;
    await rig.clock.advance(9_000);
    expect(flow.bytesRead).to.be.at.most(WINDOW);
    rig.wallet!.pays = Promise.resolve();
    late.resolve(undefined);
    expect((await rig.clock.play(got)).length).to.equal(20 * MIB);
    await rig.clock.advance(1_000);
    expect(debt()).to.equal(0);
  });

  it("is not cut off while its payment is being stored, or while it has no path", async () => {
    create();
    const flow = await rig.ask(20 * MIB);
    const got = collect(flow);
    const gate = Promise.withResolvers<undefined>();
    rig.collector.tab.gate = gate.promise;
    await rig.clock.advance(60_000);
    expect(flow.bytesRead).to.be.at.most(WINDOW);
    gate.resolve(undefined);
    await rig.clock.until(() => flow.bytesRead > 3 * MIB);
    stopPaying();
    rig.net.silent.add("198.51.100.1:443");
    rig.cut();
    await rig.clock.advance(60_000);
    rig.wallet!.pays = Promise.resolve();
    rig.net.silent.clear();
    // The vouchers that were never signed are lost; the next ones cover them.
    expect((await rig.clock.play(got)).length).to.equal(20 * MIB);
  });

  it("to a client that pays lower than it has: two tranches", async () => {
    create();
    const flow = await rig.ask(20 * MIB);
    const { tab } = rig.wallet!;
    const low = await tab.pay(1n);
    tab.pay = () => Promise.resolve(low);
    await rejection("SAL_UNPAID", rig.clock.play(collect(flow)));
    expect(debt()).to.be.at.most(WINDOW);
  });

  it("to a client whose vouchers are not its signer's: what it has used by then", async () => {
    create();
    const flow = await rig.ask(20 * MIB);
    const { tab } = rig.wallet!;
    const thief = new FakePayerTab(rig.wallet!.quotes[0]!, new FakeWallet(Buffer.alloc(32, 77)));
    tab.pay = async (upTo) => thief.pay(upTo);
    await rejection("SAL_UNPAID", rig.clock.play(collect(flow)));
    expect(debt()).to.be.at.most(WINDOW);
  });

  it("to a provider that never credits: two tranches", async () => {
    create();
    const flow = await rig.ask(20 * MIB);
    rig.collector.tab.credits = false;
    await rejection("SAL_UNPAID", rig.clock.play(collect(flow)));
    const { cumulative } = rig.wallet!.tab;
    // A wei more has shown who signs.
    expect(Number(cumulative)).to.be.at.most(flow.bytesRead + 8 + 1);
    expect(Number(cumulative)).to.be.at.most(WINDOW + 1);
  });

  it("to a provider that charges more than it serves: nothing but what was used", async () => {
    create();
    const flow = await rig.ask(20 * MIB);
    const { tab } = rig.collector;
    const charge = tab.charge.bind(tab);
    tab.charge = (amount) => {
      charge(3n * amount);
    };
    await rejection("SAL_UNPAID", rig.clock.play(collect(flow)));
    await rig.clock.advance(1_000);
    expect(Number(rig.wallet!.tab.cumulative)).to.be.at.most(flow.bytesRead + 8 + 1);
  });

  it("to a provider that charges requests that nobody made: nothing but what was used", async () => {
    create({ price: { perByte: 1n, perRequest: BigInt(MIB), perSecond: 0n } });
    const { client } = rig;
    const opened = collect(await rig.ask(100));
    await rig.clock.play(opened);
    rig.collector.tab.charge(BigInt(40 * MIB));
    await rejection("SAL_UNPAID", rig.ask(100));
    client.close();
    // Two flows were opened.
    expect(Number(rig.wallet!.tab.cumulative)).to.be.at.most(2 * (MIB + 103) + 1);
  });

  it("to a service with an absurd price: nothing, because the caps refuse it before it is used", async () => {
    const price = { perByte: 10n ** 18n, perRequest: 0n, perSecond: 0n };
    create({ price, allowance: { bytes: MIB, requests: 3 } });
    const error = await rejection(
      "SAL_UNPAID",
      rig.clock.play(rig.ask(4 * MIB).then((flow) => collect(flow))),
    );
    expect((error.cause as { code?: string }).code).to.equal("CASHIER_CAP");
    expect(rig.spent).to.deep.equal([]);
    expect(rig.collector.opened).to.equal(0);
  });

  it("to a service that asks for another service's tab: nothing", async () => {
    create();
    const quote = rig.collector.quote.bind(rig.collector);
    const other = `0x${"00".repeat(7)}09${"00".repeat(24)}` as const;
    rig.collector.quote = () => ({ ...quote(), service: other });
    const error = await rejection(
      "SAL_UNPAID",
      rig.clock.play(rig.ask(4 * MIB).then((flow) => collect(flow))),
    );
    expect((error.cause as { code?: string }).code).to.equal("CASHIER_QUOTE");
    expect(rig.spent).to.deep.equal([]);
  });
});

describe("a tab and strangers", () => {
  let rig: PayRig;
  let victim: FakePayerTab;

  beforeEach(async () => {
    rig = new PayRig();
    await rig.clock.play(collect(await rig.ask(3 * MIB)));
    await rig.clock.advance(1_000);
    victim = rig.wallet!.tab;
  });
  afterEach(async () => {
    // The victim's tab is as it was, and serves its payer.
    const before = rig.collector.tab.charged;
    expect(before).to.equal(BigInt(3 * MIB + 7));
    await rig.clock.play(collect(await rig.ask(MIB)));
    rig.stop();
  });

  it("its authorization, which is public on chain, lets nobody else use it", async () => {
    const thief = await RawPayer.begun(rig);
    await thief.open(victim);
    expect(thief.isAttached).to.equal(false);
    expect(thief.quotes.at(-1)?.kind).to.equal(QuoteKind.prove);
  });

  it("its vouchers, which are public once they were redeemed, let nobody else use it", async () => {
    const thief = await RawPayer.begun(rig);
    const { authorization, signature, salt } = victim;
    const voucher = compactVoucher(rig.collector.tab.last!);
    thief.pay({ kind: 0, opening: { authorization, signature, salt }, voucher });
    thief.pay({ kind: 1, tab: victim.tab, voucher });
    await rig.clock.advance(100);
    expect(thief.isAttached).to.equal(false);
    thief.raw.open(1, SINK);
    await rig.clock.advance(11_000);
    expect(thief.raw.resetOf(1)).to.equal("SAL_UNPAID");
  });

  it("a session that charges it is not resumed by others, and what they send is not charged", async () => {
    const owner = await RawPayer.begun(rig, "192.0.2.8");
    const tab = rig.wallet!.tab;
    await owner.open(tab, tab.cumulative + 1n);
    expect(owner.isAttached).to.equal(true);
    const thief = await RawClient.greeted(rig);
    thief.resume(owner.raw, { mac: Buffer.alloc(32, 1) });
    expect(await thief.ended()).to.equal("SAL_SESSION_LOST");
    expect(owner.raw.isClosed).to.equal(false);
  });
});

describe("clients that flood a provider with PAY", () => {
  let rig: PayRig;

  afterEach(() => {
    rig.stop();
  });

  it("make it verify the highest voucher only, and not more than a peer may", async () => {
    rig = new PayRig({ pay: { vouchersPerSecond: 10, voucherBurst: 20 } });
    const wallet = new FakeWallet(Buffer.alloc(32, 50));
    const flooder = await RawPayer.begun(rig);
    const tab = new FakePayerTab(flooder.offer.quote, wallet);
    await flooder.open(tab, 1n);
    const { tab: theirs } = rig.collector;
    for (let amount = 2n; amount <= 3_000n; amount += 1n) {
      const voucher = compactVoucher(await tab.pay(amount));
      flooder.pay({ kind: 1, tab: tab.tab, voucher });
    }
    await rig.clock.advance(1_000);
    expect(theirs.verified).to.be.at.most(31);
    await rig.clock.advance(5_000);
    expect(theirs.paid).to.equal(3_000n);
  });

  it("open no more tabs than a peer may", async () => {
    rig = new PayRig({ pay: { tabsPerSecond: 1, tabBurst: 5 } });
    for (let client = 0; client < 10; client += 1) {
      const flooder = await RawPayer.begun(rig);
      const wallet = new FakeWallet(Buffer.alloc(32, 50 + client));
      await flooder.open(new FakePayerTab(flooder.offer.quote, wallet), 1n);
    }
    expect(rig.collector.opened).to.be.within(5, 6);
  });

  it("end their session with a voucher before a tab, with a wrong form, and with PAY to a service without a price", async () => {
    rig = new PayRig();
    const one = await RawPayer.begun(rig);
    one.raw.send(FrameType.pay, 0, Buffer.of(9));
    expect(await one.raw.ended()).to.equal("SAL_PROTOCOL");
    const two = await RawPayer.begun(rig);
    two.raw.send(FrameType.pay, 0, Buffer.of(1, 2, 3));
    expect(await two.raw.ended()).to.equal("SAL_PROTOCOL");
    const other = await RawPayer.begun(rig);
    const tab = new FakePayerTab(other.offer.quote, new FakeWallet());
    other.pay({ kind: 1, tab: tab.tab, voucher: compactVoucher(await tab.pay(5n)) });
    other.raw.open(1, SINK);
    await rig.clock.advance(11_000);
    expect(other.raw.resetOf(1)).to.equal("SAL_UNPAID");
  });

  it("whose bytes differ from what they say are charged what came", async () => {
    rig = new PayRig();
    const raw = await RawPayer.begun(rig);
    await raw.open(new FakePayerTab(raw.offer.quote, new FakeWallet()), 1n);
    raw.raw.open(1, SINK);
    raw.raw.send(FrameType.data, 1, Buffer.alloc(5_000));
    raw.raw.send(FrameType.fin, 1);
    await rig.clock.advance(1_000);
    // Four digits come back.
    expect(rig.collector.tab.charged).to.equal(5_004n);
  });
});
