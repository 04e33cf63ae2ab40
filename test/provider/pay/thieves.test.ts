import { expect } from "chai";
import type { RequestListener } from "node:http";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { encodeTabPayment } from "../../../src/cashier/tabPayment.ts";
import type { PayerTab } from "../../../src/cashier/tabs.ts";
import { registerTabScheme } from "../../../src/client/x402/tabScheme.ts";
import type { Redemption } from "../../../src/protocol/voucher.ts";
import { encodeField } from "../../../src/protocol/x402.ts";
import { committed, payer, PayRig, type CollectorLife } from "../../cashier/rig/payRig.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { offered, paid, paying } from "../../support/payRig.ts";
import { TabRig } from "../../support/tabRig.ts";

const PRICE = "0.0001/request";
const REQUEST = 10n ** 14n;

describe("a thief of a payer's credit, over HTTP", () => {
  let tabs: PayRig;
  let life: CollectorLife;
  let rig: TabRig;
  let url: string;
  let ours: PayerTab;
  let requests = 0;
  const sunny: RequestListener = (_, response) => response.end("sunny");

  beforeEach(async () => {
    tabs = new PayRig();
    rig = new TabRig(PRICE);
    requests = 0;
    await begin();
    const wallet = tabs.pay();
    const client = registerTabScheme(new x402Client(), wallet, {
      token: DEPLOYMENT.contracts.token,
    });
    const response = await during(wrapFetchWithPayment(fetch, client)(url));
    expect(response.status).to.equal(200);
    ours = await wallet.tabFor(life.collector.quote());
    // The payer has a credit of four requests.
    await during(tab().credit(await ours.pay(5n * REQUEST)));
    expect(tab()).to.include({ charged: REQUEST, paid: 5n * REQUEST });
  });
  afterEach(() => rig.close());

  /** A process of the gateway and its collector. */
  async function begin(): Promise<void> {
    life = tabs.collect({ price: { perByte: 0n, perRequest: REQUEST, perSecond: 0n } });
    url = await rig.serve(sunny, {
      collector: life.collector,
      now: () => tabs.time.now() * 1000,
    });
  }
  const during = <T>(promise: Promise<T>): Promise<T> => committed(life, promise);
  const tab = () => [...life.collector.tabs][0]!;

  /** A request with a voucher, and nothing else of the payer. */
  async function send(voucher: Redemption): Promise<Response> {
    requests += 1;
    const accepted = offered(await fetch(url)).accepts[0];
    const requestId = `0x${String(requests).padStart(64, "0")}` as const;
    const payload = encodeTabPayment({ opening: undefined, voucher, requestId });
    return await during(paying(url, encodeField({ x402Version: 2, accepted, payload })));
  }
  /** A voucher that nobody has signed. */
  const forged = (cumulative: bigint): Redemption => ({
    voucher: {
      ...{ payer, service: ours.service, tab: ours.tab },
      ...{ cumulative, base: 0n, minGrade: 0, epoch: 1_000 },
    },
    ...{ salt: ours.salt, v: 27, r: `0x${"11".repeat(32)}`, s: `0x${"22".repeat(32)}` },
  });
  const toldVoucher = (response: Response) => paid(response).extra?.voucher;

  it("that forges a voucher below what is paid gets nothing", async () => {
    for (const amount of [1n, 5n * REQUEST - 1n, 5n * REQUEST]) {
      const response = await send(forged(amount));
      expect(response.status).to.equal(402);
      expect(paid(response).errorReason).to.equal("cashier_voucher");
      // Nor is it told what the payer has paid and used.
      expect(paid(response).extra).to.equal(undefined);
      const [offer] = offered(response).accepts;
      expect(offer?.extra).to.include({ charged: "0", cumulative: "0" });
    }
    expect(tab().charged).to.equal(REQUEST);
  });

  it("is not told the payer's newest voucher, which would pay", async () => {
    const old = await ours.pay(5n * REQUEST);
    tab().reveal(old);
    await during(tab().credit(await ours.pay(6n * REQUEST)));
    expect(toldVoucher(await send(forged(1n)))).to.equal(undefined);
    const badBase = forged(99n * REQUEST);
    const based = { ...badBase, voucher: { ...badBase.voucher, base: 98n * REQUEST } };
    expect(toldVoucher(await send(based))).to.equal(undefined);
    const response = await send(old);
    expect(paid(response).errorReason).to.equal("voucher_public");
    expect(paid(response).extra).to.deep.equal({
      ...{ tab: ours.tab, charged: "0", cumulative: String(5n * REQUEST) },
    });
    expect(tab().charged).to.equal(REQUEST);
  });

  it("gets nothing for a public voucher after a restart of the gateway, either", async () => {
    const newest = await ours.pay(5n * REQUEST);
    tab().reveal(newest);
    await life.collector.stop();
    await begin();
    const response = await send(newest);
    expect(paid(response).errorReason).to.equal("voucher_public");
    expect(tab().charged).to.equal(REQUEST);
    // The payer goes on: a voucher above it can only be its own.
    expect((await send(await ours.pay(5n * REQUEST + 1n))).status).to.equal(200);
  });

  it("is not served on a tab that has ended: it could never be redeemed", async () => {
    // Nobody has opened it on chain in time.
    await tabs.pass(25 * 3_600);
    await during(life.redeemer.round());
    const response = await send(await ours.pay(6n * REQUEST));
    expect(paid(response).errorReason).to.equal("cashier_tab_ended");
  });
});
