import { expect } from "chai";
import { costOf, type Price } from "../../../src/cashier/price.ts";
import { ClientMeter } from "../../../src/sal/pay/clientMeter.ts";
import type { MeteredFlow } from "../../../src/sal/pay/meteredFlow.ts";
import { Payer } from "../../../src/sal/pay/payer.ts";
import { encodeQuote, QuoteKind, type StateKind } from "../../../src/sal/pay/quoteFrame.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import { silentLogger } from "../../../src/node/logger.ts";
import { FakeClock } from "../rig/fakeClock.ts";
import { SERVICE } from "../rig/salRig.ts";
import { FakeCollector } from "./rig/fakeCollector.ts";
import { FakeWallet } from "./rig/fakeWallet.ts";
import { MIB } from "./rig/payRig.ts";

const REQUEST = 1_000_000n;
const SECOND = 1_000n;

describe("what a client believes of a provider's count", () => {
  const clock = new FakeClock();
  const price = { perByte: 1n, perRequest: REQUEST, perSecond: SECOND };
  const quote = new FakeCollector(price, MIB).quote();
  let wallet: FakeWallet;
  let meter: ClientMeter;
  let left: string[];
  const flows = new Map<number, Flow>();
  const flow = { port: 80 } as MeteredFlow;

  beforeEach(async () => {
    wallet = new FakeWallet();
    await begin();
  });

  /** A process begins, and opens a flow. */
  async function begin(): Promise<void> {
    flows.clear();
    left = [];
    const leave = ({ code }: { code: string }) => left.push(code);
    const host = { serviceId: SERVICE, flows, pay: () => {}, leave };
    meter = new ClientMeter(new Payer({ wallet }), host, { clock, log: silentLogger });
    flows.set(1, flow);
    meter.opened(flow);
    const use = { bytes: 0, requests: 0, milliseconds: 0 };
    meter.quote(encodeQuote({ kind: QuoteKind.offer, quote, use, hasEnded: false }));
    await clock.advance(0);
    tell(QuoteKind.opened, use);
  }

  function tell(
    kind: StateKind,
    use: { bytes: number; requests: number; milliseconds: number },
    charged = 10n ** 15n,
  ) {
    const { tab } = wallet.tab;
    const all = { charged, paid: 1n, tranche: 10n ** 8n, graceMs: 1, last: undefined };
    meter.quote(encodeQuote({ kind, tab, use, ...all }));
  }

  /** The price changes. */
  function offer(price: Price): void {
    const use = { bytes: meter.bytes, requests: 0, milliseconds: 0 };
    const changed = { ...quote, price };
    meter.quote(encodeQuote({ kind: QuoteKind.offer, quote: changed, use, hasEnded: false }));
  }

  /** What it pays when it is warned, above the wei of its proof. */
  async function paid(): Promise<bigint> {
    await clock.advance(0);
    return wallet.tab.cumulative;
  }

  it("a request of HTTP for each turn of the program to send, and no more", async () => {
    meter.turned(flow);
    meter.turned(flow);
    tell(QuoteKind.warning, { bytes: 0, requests: 900, milliseconds: 0 });
    expect(await paid()).to.equal(2n * REQUEST);
  });

  it("fewer requests than turns, as on a connection that was upgraded", async () => {
    for (let turn = 0; turn < 50; turn += 1) meter.turned(flow);
    tell(QuoteKind.warning, { bytes: 0, requests: 1, milliseconds: 0 });
    expect(await paid()).to.equal(REQUEST);
  });

  it("its own bytes, whatever the provider says", async () => {
    meter.bytes += 5_000;
    tell(QuoteKind.warning, { bytes: 10 ** 12, requests: 0, milliseconds: 0 });
    expect(await paid()).to.equal(5_000n);
  });

  it("after an orderly end what it knows to owe, whatever the provider says at each start", async () => {
    const { tab } = wallet;
    for (let start = 0; start < 3; start += 1) {
      tab.owed = 500n;
      const before = tab.cumulative;
      await begin();
      tell(QuoteKind.warning, { bytes: 0, requests: 0, milliseconds: 0 });
      expect(await paid()).to.equal(before + 500n);
    }
  });

  it("time while flows are open, and a second more", async () => {
    await clock.advance(3_000);
    flows.clear();
    meter.changed();
    await clock.advance(500_000);
    flows.set(1, flow);
    tell(QuoteKind.warning, { bytes: 0, requests: 0, milliseconds: 400_000 });
    expect(await paid()).to.equal(4n * SECOND);
  });

  it("no more than a window above what the provider says to have served, however much it takes", async () => {
    const none = { bytes: 0, requests: 0, milliseconds: 0 };
    tell(QuoteKind.opened, none, 0n);
    const tranche = costOf(price, { bytes: MIB, requests: 16, milliseconds: 1_000 });
    for (let part = 0; part < 400; part += 1) {
      meter.bytes += MIB;
      meter.reached();
      await clock.advance(0);
    }
    const sum = await paid();
    expect(Number(sum)).to.be.at.most(Number(2n * tranche));
    // As the provider serves, it is paid on.
    tell(QuoteKind.served, none, sum);
    meter.reached();
    expect(await paid()).to.equal(sum + 2n * tranche);
  });

  it("what was used before at the old price, when the price falls", async () => {
    meter.bytes += 5_000;
    offer({ ...price, perByte: 0n });
    meter.bytes += 5_000;
    tell(QuoteKind.warning, { bytes: 10_000, requests: 0, milliseconds: 0 });
    expect([await paid(), left]).to.deep.equal([5_000n, []]);
  });

  it("what was used before at the old price, when the price rises; the session ends", async () => {
    meter.bytes += 5_000;
    offer({ ...price, perByte: 2n });
    expect(await paid()).to.equal(5_000n);
    expect(left).to.deep.equal(["CASHIER_QUOTE"]);
  });
});
