import { expect } from "chai";
import type { Price } from "../../../src/cashier/price.ts";
import { Payer } from "../../../src/sal/pay/payer.ts";
import { serviceId } from "../../../src/protocol/serviceId.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { rejection } from "../../support/rejection.ts";
import { collect, ECHO, echo, KEY } from "../rig/salRig.ts";
import { FakeWallet } from "./rig/fakeWallet.ts";
import { BY_BYTE, MIB, PayRig, SINK, SOURCE, type PayRigOptions } from "./rig/payRig.ts";

/** Port of a server that speaks first, as those of SSH and SMTP do. */
const GREETER = 73;

function greeter(flow: Flow): Promise<void> {
  flow.resume().end(Buffer.alloc(3 * MIB));
  return Promise.resolve();
}

describe("a flow that is paid", () => {
  let rig: PayRig;

  function create(options: PayRigOptions = {}): PayRig {
    rig = new PayRig(options);
    return rig;
  }
  afterEach(() => {
    rig.stop();
  });

  /** Downloads through a flow, and lets everything settle. */
  async function download(bytes: number, client = rig.client): Promise<void> {
    const flow = await rig.ask(bytes, client);
    expect((await rig.clock.play(collect(flow))).length).to.equal(bytes);
    await rig.clock.advance(1_000);
  }

  function expectPaid(charged: number | bigint): void {
    const { tab } = rig.collector;
    expect(tab.charged).to.equal(BigInt(charged));
    expect(tab.paid).to.equal(tab.charged);
  }

  it("is charged by its bytes in both directions, and paid to the last wei", async () => {
    create();
    await download(10 * MIB);
    // The request has eight digits.
    expectPaid(10 * MIB + 8);
    expect(rig.spent.reduce((sum, amount) => sum + amount)).to.equal(rig.collector.tab.paid);
  });

  it("is charged for what it uploads", async () => {
    create();
    const flow = await rig.open(SINK);
    const got = collect(flow);
    flow.end(Buffer.alloc(5 * MIB));
    expect((await rig.clock.play(got)).toString()).to.equal(String(5 * MIB));
    await rig.clock.advance(1_000);
    expectPaid(5 * MIB + 7);
  });

  it("is charged for its opening", async () => {
    create({ price: { perByte: 0n, perRequest: 1_000n, perSecond: 0n } });
    for (let flow = 0; flow < 5; flow += 1) await download(100);
    expectPaid(5_000);
  });

  it("is charged for its time, while it can be served", async () => {
    create({ price: { perByte: 0n, perRequest: 0n, perSecond: 1_000n }, ports: { [ECHO]: echo } });
    const flow = await rig.open(ECHO);
    await rig.clock.advance(60_000);
    rig.net.silent.add("198.51.100.1:443");
    rig.cut();
    await rig.clock.advance(30_000);
    rig.net.silent.clear();
    await rig.clock.advance(5_000);
    const got = collect(flow);
    flow.end("still here");
    expect((await rig.clock.play(got)).toString()).to.equal("still here");
    await rig.clock.advance(1_000);
    const { charged, paid } = rig.collector.tab;
    expect(Number(charged)).to.be.within(60_000, 70_000);
    expect(paid).to.equal(charged);
  });

  it("is charged nothing without use, and a service without a price asks for nothing", async () => {
    create({ price: BY_BYTE });
    await rig.clock.play(rig.client.session("weather", new AbortController().signal));
    await rig.clock.advance(60_000);
    expect(rig.collector.tab.charged).to.equal(0n);
    expect(rig.spent).to.deep.equal([1n]);
  });

  it("is served where the server speaks first, before and after the tab is there", async () => {
    create({ ports: { [GREETER]: greeter } });
    for (let time = 0; time < 2; time += 1) {
      const flow = await rig.open(GREETER);
      const got = collect(flow);
      flow.end();
      expect((await rig.clock.play(got)).length).to.equal(3 * MIB);
    }
    await rig.clock.advance(1_000);
    const { charged, paid } = rig.collector.tab;
    expect([charged, paid]).to.deep.equal([BigInt(6 * MIB), BigInt(6 * MIB)]);
  });

  it("shares its tab with others of its session, and with other sessions", async () => {
    create();
    const other = rig.createClient();
    await Promise.all([download(3 * MIB), download(4 * MIB), download(5 * MIB, other)]);
    other.close();
    await download(MIB);
    expect(rig.collector.tabs.size).to.equal(1);
    expect(rig.wallet?.tabs.length).to.equal(1);
    expectPaid(13 * MIB + 4 * 7);
  });

  it("goes on with the same tab in a new session, and pays nothing twice", async () => {
    create();
    await download(3 * MIB);
    rig.client.close();
    await rig.clock.advance(1_000);
    rig.client = rig.createClient();
    await download(2 * MIB);
    expect(rig.collector.tabs.size).to.equal(1);
    expectPaid(5 * MIB + 14);
  });

  it("pays nothing twice when it moves within a tranche, again and again", async () => {
    create();
    const flow = await rig.ask(12 * MIB);
    const got = collect(flow);
    for (let move = 1; move <= 8; move += 1) {
      await rig.clock.until(() => flow.bytesRead > move * 1.3 * MIB);
      if (move % 2 === 0) rig.move();
      rig.cut();
    }
    expect((await rig.clock.play(got)).length).to.equal(12 * MIB);
    await rig.clock.advance(1_000);
    expect(rig.moves.length).to.be.at.least(8);
    expectPaid(12 * MIB + 8);
  });

  it("is paid in tranches of the rate that was paid before", async () => {
    create();
    await download(200 * MIB);
    expectPaid(200 * MIB + 9);
    const largest = rig.spent.reduce((a, b) => (a > b ? a : b));
    expect(Number(largest)).to.be.above(2 * MIB);
    expect(rig.spent.length).to.be.below(100);
  });

  it("of a sub-service uses the tab of its root", async () => {
    const sub = serviceId({ prefix: 7n, group: 0, self: addressOfKey(KEY) });
    create({ service: { serviceId: sub } });
    rig.locator.publish({ serviceId: sub });
    await download(2 * MIB);
    expectPaid(2 * MIB + 7);
    expect(rig.wallet?.tab.service).to.equal(rig.collector.quote().service);
  });

  it("goes on with the next tab when the first one ends", async () => {
    create();
    const flow = await rig.ask(6 * MIB);
    const got = collect(flow);
    await rig.clock.until(() => flow.bytesRead > 2.5 * MIB);
    const { tab } = rig.collector;
    tab.end();
    expect((await rig.clock.play(got)).length).to.equal(6 * MIB);
    await rig.clock.advance(1_000);
    const [first, second] = [...rig.collector.tabs.values()];
    expect(rig.wallet?.tabs.map(({ hasEnded }) => hasEnded)).to.deep.equal([true, false]);
    expect(first?.paid).to.equal(first?.charged);
    expect(second?.paid).to.equal(second?.charged);
    // What passes between the tabs is nobody's: at most what was under way.
    expect(Number((first?.charged ?? 0n) + (second?.charged ?? 0n))).to.equal(6 * MIB + 7);
  });

  it("raises its tab before it is full", async () => {
    const wallet = new FakeWallet();
    wallet.limit = BigInt(8 * MIB);
    wallet.raisesTo = BigInt(100 * MIB);
    create({ wallet });
    rig.collector.leastLimit = BigInt(4 * MIB);
    await download(30 * MIB);
    expectPaid(30 * MIB + 8);
    expect(rig.collector.tabs.size).to.equal(1);
    expect(rig.collector.tab.limit).to.equal(BigInt(100 * MIB));
  });

  it("takes back its newest voucher after its process has crashed, and pays what is due from there", async () => {
    create({ pay: { graceMs: 60_000 } });
    const flow = await rig.ask(20 * MIB);
    flow.resume();
    await rig.clock.until(() => flow.bytesRead > 4.5 * MIB);
    for (const { near } of rig.net.open) near.destroy();
    // Nothing more is told or paid. The next process knows only how far vouchers may have been sent.
    const { wallet } = rig;
    const tab = wallet!.tab;
    const sent = tab.cumulative;
    tab.cumulative += BigInt(3 * MIB);
    tab.isUnsure = true;
    rig.client.close();
    await rig.clock.advance(1_000);
    tab.owed = undefined;
    rig.client = rig.createClient({}, new Payer({ wallet: wallet! }));
    await download(2 * MIB);
    expect(Number(tab.recovered)).to.be.at.most(Number(sent));
    const { charged, paid } = rig.collector.tab;
    expect(paid).to.equal(charged);
    expect(rig.collector.tabs.size).to.equal(1);
  });
});

describe("a flow of a priced service without a wallet", () => {
  let rig: PayRig;

  afterEach(() => {
    rig.stop();
  });

  const inspection = { bytes: 3 * (MIB + 64 * 1024), requests: 3 };

  it("is served within the free allowance, as an auditor's is", async () => {
    rig = new PayRig({ wallet: null, allowance: inspection });
    for (let answer = 0; answer < 3; answer += 1) {
      // Each inspection has a session of its own.
      const client = rig.createClient();
      const flow = await rig.ask(MIB + 16_384, client);
      const got = await rig.clock.play(collect(flow));
      expect(got.length).to.equal(MIB + 16_384);
      client.close();
      await rig.clock.advance(100);
    }
    expect(rig.collector.tabs.size).to.equal(0);
    await rejection("SAL_UNPAID", rig.ask(1));
  });

  it("ends when the allowance is used up, and says what it costs", async () => {
    const price: Price = { perByte: 2_000_000_000n, perRequest: 0n, perSecond: 0n };
    rig = new PayRig({ wallet: null, allowance: inspection, price });
    const flow = await rig.ask(5 * MIB);
    const error = await rejection("SAL_UNPAID", rig.clock.play(collect(flow)));
    expect(flow.bytesRead).to.be.at.most(inspection.bytes);
    expect(error.message).to.include("0.002/MB");
    expect(error.remedy).to.be.a("string");
  });

  it("is served again in the next epoch", async () => {
    rig = new PayRig({ wallet: null, allowance: { bytes: MIB, requests: 1 } });
    const client = rig.createClient();
    await rig.clock.play(collect(await rig.ask(1_000, client)));
    await rejection("SAL_UNPAID", rig.ask(1_000, client));
    rig.epoch.now = 2;
    expect((await rig.clock.play(collect(await rig.ask(1_000, client)))).length).to.equal(1_000);
    client.close();
  });

  it("uses the allowance up before its tab is there, and pays only what follows", async () => {
    rig = new PayRig({ allowance: inspection });
    const flow = await rig.open(SOURCE);
    // The tab takes three round trips.
    flow.end(String(4 * MIB));
    expect((await rig.clock.play(collect(flow))).length).to.equal(4 * MIB);
    await rig.clock.advance(1_000);
    const { charged, paid } = rig.collector.tab;
    expect(Number(charged)).to.be.at.most(4 * MIB + 7);
    expect(paid >= charged).to.equal(true);
    expect(paid - charged <= 1n).to.equal(true);
  });
});
