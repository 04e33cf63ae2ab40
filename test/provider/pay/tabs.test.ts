import { expect } from "chai";
import type { RequestListener, ServerResponse } from "node:http";
import { parsePrice } from "../../../src/cashier/price.ts";
import { cashierError } from "../../../src/cashier/errors.ts";
import { encodeTabPayment } from "../../../src/cashier/tabPayment.ts";
import { systemTimers } from "../../../src/node/timers.ts";
import { encodeField } from "../../../src/protocol/x402.ts";
import { ask, failureOf } from "../../support/httpClient.ts";
import { offered, paid, paying } from "../../support/payRig.ts";
import { fault, WITH_NONCE } from "../../support/providerRig.ts";
import { fakePayer, TabRig, tabFetch } from "../../support/tabRig.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { COLLECTOR, FakePayer } from "../../support/fakeTabs.ts";

const REQUEST = 10n ** 14n;

describe("a gateway that is paid by tab", () => {
  let rig: TabRig;
  let runs = 0;
  beforeEach(() => {
    rig = new TabRig("0.0001/request");
    runs = 0;
  });
  afterEach(() => rig.close());

  const count =
    (listener: RequestListener): RequestListener =>
    (request, response) => {
      runs += 1;
      listener(request, response);
    };
  const sunny = count((_, response) => response.end(`sunny ${runs}`));

  it("offers the tab first, and the Cashier as payee of nothing", async () => {
    const response = await fetch(await rig.serve(sunny));
    const [first] = offered(response).accepts;
    expect(first).to.include({ scheme: "blockcloud-tab", payTo: COLLECTOR });
    expect(first?.extra).to.include.keys(
      ...["cashier", "service", "tab", "collector", "minimum", "charged", "cumulative"],
    );
    expect(first?.payTo).not.to.equal(DEPLOYMENT.contracts.cashier);
  });

  it("serves the plugin with one tab, and charges each request once", async () => {
    const url = await rig.serve(sunny);
    const payer = fakePayer();
    const { fetch } = tabFetch(payer);
    for (const expected of ["sunny 1", "sunny 2", "sunny 3"]) {
      const response = await fetch(`${url}/a`, { headers: WITH_NONCE });
      const body = await response.text();
      expect(body).to.equal(expected);
      expect(paid(response)).to.deep.include({ success: true, payer: payer.payer });
      const answer = { status: 200, body: Buffer.from(body) };
      const receipt = response.headers.get("service-receipt");
      expect(fault(receipt, { path: "/a" }, answer)).to.equal(undefined);
    }
    expect(rig.collector.opened).to.equal(1);
    expect(rig.collector.tab).to.include({ charged: 3n * REQUEST, paid: 3n * REQUEST });
    expect(payer.signed).to.deep.equal([REQUEST, 2n * REQUEST, 3n * REQUEST]);
  });

  it("serves requests in parallel, whose vouchers arrive in any order", async () => {
    const held: ServerResponse[] = [];
    const all = Promise.withResolvers<undefined>();
    const url = await rig.serve(
      count((_, response) => {
        held.push(response);
        if (held.length === 8) all.resolve(undefined);
      }),
    );
    const { fetch } = tabFetch(fakePayer());
    const answers = Array.from({ length: 8 }, () => fetch(url));
    await all.promise;
    for (const response of held.reverse()) response.end();
    for (const answer of await Promise.all(answers)) expect(answer.status).to.equal(200);
    expect(rig.collector.tab).to.include({ charged: 8n * REQUEST, paid: 8n * REQUEST });
  });

  it("takes a lower voucher without an error, if what it has covers the request", async () => {
    const url = await rig.serve(sunny);
    const payer = fakePayer();
    const { fetch, sent } = tabFetch(payer);
    await fetch(url);
    const quote = rig.collector.quote();
    const tab = await payer.tabFor(quote);
    const high = await tab.pay(5n * REQUEST);
    await rig.collector.tab.credit(high);
    // A late message: the voucher of the first request, for a request of its own.
    const first = JSON.parse(
      Buffer.from(sent[1]!.headers.get("payment-signature")!, "base64").toString(),
    ) as { payload: object };
    const accepted = offered(await globalThis.fetch(url)).accepts[0];
    const payload = { ...first.payload, requestId: `0x${"ee".repeat(32)}` };
    const response = await paying(url, encodeField({ x402Version: 2, accepted, payload }));
    expect(response.status).to.equal(200);
    expect(rig.collector.tab).to.include({ charged: 2n * REQUEST, paid: 5n * REQUEST });
  });

  it("charges a request once that comes again, and gives it the same answer", async () => {
    const url = await rig.serve(sunny);
    const { fetch, sent } = tabFetch(fakePayer());
    await fetch(url);
    const header = sent[1]!.headers.get("payment-signature")!;
    const again = await paying(url, header);
    expect(await again.text()).to.equal("sunny 1");
    expect(rig.collector.tab.charged).to.equal(REQUEST);
    expect(runs).to.equal(1);
  });

  it("charges nothing for a failure: the credit stays for the next request", async () => {
    let fails = true;
    const url = await rig.serve(
      count((_, response) => response.writeHead(fails ? 502 : 200).end()),
    );
    const payer = fakePayer();
    const { fetch } = tabFetch(payer);
    expect((await fetch(url)).status).to.equal(502);
    expect(rig.collector.tab).to.include({ charged: 0n, paid: REQUEST });
    fails = false;
    const quote = rig.collector.quote();
    const tab = await payer.tabFor(quote);
    const accepted = offered(await globalThis.fetch(url)).accepts[0];
    const payload = encodeTabPayment({
      opening: undefined,
      voucher: await tab.pay(REQUEST),
      requestId: `0x${"ef".repeat(32)}`,
    });
    const response = await paying(url, encodeField({ x402Version: 2, accepted, payload }));
    expect(response.status).to.equal(200);
    expect(rig.collector.tab).to.include({ charged: REQUEST, paid: REQUEST });
  });

  it("tells a payer that has lost its state what its tab has, with the payer's own voucher", async () => {
    const url = await rig.serve(sunny);
    const payer = fakePayer();
    await tabFetch(payer).fetch(url);
    const tab = await payer.tabFor(rig.collector.quote());
    // The rest of what is due comes from a flow of the SAL, say.
    rig.collector.tab.charge(REQUEST);
    // A new process with the same wallet: it knows nothing of what is due.
    const { fetch, sent } = tabFetch(payer);
    const response = await fetch(url);
    expect(response.status).to.equal(200);
    expect(sent, "an offer, a low voucher, a right one").to.have.length(3);
    expect(tab.cumulative).to.equal(3n * REQUEST);
    expect(tab.recovered).to.deep.equal([REQUEST]);
    expect(rig.collector.tab).to.include({ charged: 3n * REQUEST, paid: 3n * REQUEST });
  });

  it("opens another tab when the collector has lost the tab, or ended it", async () => {
    const url = await rig.serve(sunny);
    const { fetch } = tabFetch(fakePayer());
    await fetch(url);
    rig.collector.tabs.clear();
    expect((await fetch(url)).status, "it gets the authorization again").to.equal(200);
    rig.collector.tab.end = cashierError("ended", "closed");
    expect((await fetch(url)).status).to.equal(200);
    expect(rig.collector.opened).to.equal(3);
  });

  it("tells a payer when it lacks a voucher of an earlier epoch: the payer signs again", async () => {
    const url = await rig.serve(sunny);
    const payer = fakePayer();
    const { fetch, sent } = tabFetch(payer);
    await fetch(url);
    const { tab } = rig.collector;
    const end = cashierError("base", "a voucher was lost");
    tab.end = end;
    const credit = tab.credit.bind(tab);
    tab.credit = (redemption) => {
      const answer = credit(redemption);
      tab.end = undefined;
      return answer;
    };
    expect((await fetch(url)).status).to.equal(200);
    expect(sent).to.have.length(5);
    expect((await payer.tabFor(rig.collector.quote())).recovered).to.deep.equal([REQUEST]);
    expect(tab.charged).to.equal(2n * REQUEST);
  });

  it("refuses a voucher of a stranger, and of another service", async () => {
    const url = await rig.serve(sunny);
    const { fetch, sent } = tabFetch(fakePayer());
    await fetch(url);
    const { payload } = JSON.parse(
      Buffer.from(sent[1]!.headers.get("payment-signature")!, "base64").toString(),
    ) as { payload: { voucher: { s: string; voucher: object } } };
    const accepted = offered(await globalThis.fetch(url)).accepts[0];
    const send = (voucher: object) => {
      const changed = { ...payload, requestId: `0x${"ed".repeat(32)}`, voucher };
      return paying(url, encodeField({ x402Version: 2, accepted, payload: changed }));
    };
    const { voucher } = payload;
    const forged = await send({
      ...voucher,
      voucher: { ...voucher.voucher, cumulative: "99000000000000000000" },
    });
    expect([forged.status, paid(forged).errorReason]).to.deep.equal([402, "cashier_voucher"]);
    const other = await send({
      ...voucher,
      voucher: { ...voucher.voucher, service: `0x${"09".repeat(32)}` },
    });
    expect(paid(other).errorReason).to.equal("other_service");
    expect(rig.collector.tab.paid).to.equal(REQUEST);
    expect(runs).to.equal(1);
  });

  it("gives a stranger nothing for a voucher that is public since its redemption", async () => {
    let fails = true;
    const url = await rig.serve(
      count((_, response) => response.writeHead(fails ? 500 : 200).end("sunny")),
    );
    const payer = fakePayer();
    const { fetch, sent } = tabFetch(payer);
    await fetch(url);
    fails = false;
    // The payer has a credit of one request, and the voucher of it is redeemed.
    const { tab } = rig.collector;
    tab.revealed = tab.paid;
    const { payload } = JSON.parse(
      Buffer.from(sent[1]!.headers.get("payment-signature")!, "base64").toString(),
    ) as { payload: object };
    const accepted = offered(await globalThis.fetch(url)).accepts[0];
    const stolen = { ...payload, requestId: `0x${"ea".repeat(32)}` };
    const response = await paying(url, encodeField({ x402Version: 2, accepted, payload: stolen }));
    expect([response.status, paid(response).errorReason]).to.deep.equal([402, "voucher_public"]);
    expect([runs, tab.charged]).to.deep.equal([1, 0n]);
    // The payer signs one above it: its credit counts.
    expect((await fetch(url)).status).to.equal(200);
    expect(tab.charged).to.equal(REQUEST);
    expect(tab.paid).to.equal(REQUEST + 1n);
  });

  it("never runs a request with effects twice", async () => {
    const url = await rig.serve(
      count((request, response) => {
        request.resume();
        response.writeHead(500).end();
      }),
    );
    const { fetch, sent } = tabFetch(fakePayer());
    expect((await fetch(url, { method: "POST", body: "buy" })).status).to.equal(500);
    const header = sent[1]!.headers.get("payment-signature")!;
    const again = await paying(url, header, { method: "POST", body: "buy" });
    expect(again.status).to.equal(409);
    expect(runs).to.equal(1);
    expect(rig.collector.tab.charged).to.equal(0n);
  });

  describe("by byte", () => {
    const BYTE = 2n * 10n ** 9n;
    beforeEach(() => {
      rig = new TabRig("0.002/MB");
    });

    it("asks for a tranche ahead, and charges the answer's own length", async () => {
      const url = await rig.serve((_, response) => response.end("sunny"));
      expect(offered(await fetch(url)).accepts[0]?.amount).to.equal(String(BYTE * 1_048_576n));
      const payer = fakePayer();
      const paying = tabFetch(payer);
      await (await paying.fetch(url)).text();
      expect(rig.collector.tab.charged).to.equal(5n * BYTE);
      await (await paying.fetch(url)).text();
      expect(rig.collector.tab.charged).to.equal(10n * BYTE);
      expect(rig.collector.tab.paid).to.equal(BYTE * 1_048_576n + 5n * BYTE);
    });

    it("bounds answers that cost nothing", async () => {
      let monotonic = 0;
      const url = await rig.serve(
        count((request, response) => response.end(request.method === "HEAD" ? "" : "sunny")),
        { timers: { ...systemTimers, monotonic: () => monotonic } },
      );
      const { fetch } = tabFetch(fakePayer());
      const statuses: number[] = [];
      for (let time = 0; time < 202; time += 1) {
        statuses.push((await fetch(url, { method: "HEAD" })).status);
      }
      expect([new Set(statuses.slice(0, 200)), statuses.slice(200)]).to.deep.equal([
        ...[new Set([200]), [429, 429]],
      ]);
      expect(runs).to.equal(200);
      monotonic += 50;
      expect((await fetch(url, { method: "HEAD" })).status).to.equal(200);
      // Another payer is not concerned.
      const other = new FakePayer(`0x${"5d".repeat(32)}`);
      expect((await tabFetch(other).fetch(url, { method: "HEAD" })).status).to.equal(200);
    });

    it("serves a larger answer of known length with a voucher that covers it, at once", async () => {
      const large = Buffer.alloc(3_000_000, "x");
      const url = await rig.serve((_, response) => response.end(large));
      const { fetch, sent } = tabFetch(fakePayer());
      const response = await fetch(url);
      expect((await response.arrayBuffer()).byteLength).to.equal(large.length);
      expect(sent).to.have.length(3);
      expect(rig.collector.tab.charged).to.equal(BYTE * 3_000_000n);
      // Its price is known now.
      const [offer] = offered(await globalThis.fetch(url)).accepts;
      expect(offer?.amount).to.equal(String(BYTE * 3_000_000n));
    });

    it("does not let the plugin repeat a request with effects whose answer is longer than is paid", async () => {
      const large = Buffer.alloc(3_000_000, "x");
      const url = await rig.serve(
        count((request, response) => {
          request.resume().once("end", () => response.end(large));
        }),
      );
      const { fetch } = tabFetch(fakePayer());
      const response = await fetch(url, { method: "POST", body: "buy" });
      expect([response.status, paid(response).errorReason]).to.deep.equal([
        402,
        "response_too_long",
      ]);
      expect([runs, rig.collector.tab.charged]).to.deep.equal([1, 0n]);
    });

    it("breaks off a stream where its voucher ends", async () => {
      const part = Buffer.alloc(300_000, "x");
      const url = await rig.serve((_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (let parts = 0; parts < 8; parts++) response.write(part);
        response.end();
      });
      const payer = fakePayer();
      const accepted = offered(await fetch(url)).accepts[0]!;
      const tab = await payer.tabFor(rig.collector.quote());
      const { authorization, signature, salt } = tab;
      const header = encodeField({
        ...{ x402Version: 2, accepted },
        payload: encodeTabPayment({
          opening: { authorization, signature, salt },
          voucher: await tab.pay(BigInt(accepted.amount)),
          requestId: `0x${"ec".repeat(32)}`,
        }),
      });
      const port = Number(new URL(url).port);
      await failureOf(ask({ port, headers: { "payment-signature": header } }));
      const { charged, paid } = rig.collector.tab;
      expect(charged <= paid, `${charged} of ${paid}`).to.equal(true);
      expect(charged > 0n).to.equal(true);
    });

    it("charges by the offer's price after the price has changed", async () => {
      const url = await rig.serve((_, response) => response.end("sunny"));
      const payer = fakePayer();
      const accepted = offered(await fetch(url)).accepts[0]!;
      rig.collector.price = parsePrice("1/MB");
      const tab = await payer.tabFor(rig.collector.quote());
      const { authorization, signature, salt } = tab;
      const payload = encodeTabPayment({
        opening: { authorization, signature, salt },
        voucher: await tab.pay(BigInt(accepted.amount)),
        requestId: `0x${"eb".repeat(32)}`,
      });
      const response = await paying(url, encodeField({ x402Version: 2, accepted, payload }));
      expect(response.status).to.equal(200);
      expect(rig.collector.tab.charged).to.equal(5n * BYTE);
    });
  });
});
