import { expect } from "chai";
import { once } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { parsePrice } from "../../../src/cashier/price.ts";
import { transferCall } from "../../../src/provider/gateway/pay/authorizations.ts";
import { decodeField, readExactPayload } from "../../../src/protocol/x402.ts";
import { ask, open } from "../../support/httpClient.ts";
import { paid, paying, PayRig, seller } from "../../support/payRig.ts";
import { fault, WITH_NONCE } from "../../support/providerRig.ts";

/** More than is kept. */
const LARGE = Buffer.alloc(1_048_577, "x");

describe("a paid request that comes again", function () {
  this.timeout(240_000);

  let rig: PayRig;
  before(async () => {
    rig = await PayRig.start();
  });
  after(() => rig.stop());
  beforeEach(() => {
    rig.runs = 0;
  });
  afterEach(() => rig.close());

  const sunny: RequestListener = (request, response) => {
    request.resume();
    request.on("end", () =>
      response.writeHead(200, { "x-run": rig.runs }).end(`sunny ${rig.runs}`),
    );
  };
  /** The authorization of a header, which is public once it is settled. */
  const calldataOf = (header: string) =>
    readExactPayload((decodeField(header) as { payload: unknown }).payload);

  it("gets the kept answer with the same payment and a new receipt; it ran and was paid once", async () => {
    const url = await rig.serve(sunny);
    const before = await rig.income();
    const header = await rig.pay(await rig.offer(`${url}/a`));
    const first = await paying(`${url}/a`, header);
    const again = await paying(`${url}/a`, header, { headers: WITH_NONCE });
    const body = Buffer.from(await again.arrayBuffer());
    expect(body.toString()).to.equal(await first.text());
    expect(again.headers.get("x-run")).to.equal("1");
    expect(paid(again)).to.deep.equal(paid(first));
    expect(
      fault(again.headers.get("service-receipt"), { path: "/a" }, { status: 200, body }),
    ).to.equal(undefined);
    expect([rig.runs, await rig.income()]).to.deep.equal([1, before + 1]);
  });

  it("gets it after a restart, too, and from another gateway with the same payee", async () => {
    const storeFile = rig.storeFile();
    const url = await rig.serve(sunny, {}, { storeFile });
    const other = await rig.serve(sunny, {}, { storeFile });
    const header = await rig.pay(await rig.offer(url));
    expect(await (await paying(url, header)).text()).to.equal("sunny 1");
    expect(await (await paying(other, header)).text()).to.equal("sunny 1");
    await rig.close();
    const later = await rig.serve(sunny, {}, { storeFile });
    expect(await (await paying(later, header)).text()).to.equal("sunny 1");
    expect(rig.runs).to.equal(1);
  });

  it("is refused with another body: it is not the request that was paid", async () => {
    const url = await rig.serve(sunny);
    const post = (body: string) => ({ method: "POST", body });
    const header = await rig.pay(await rig.offer(url, post("one")));
    expect((await paying(url, header, post("one"))).status).to.equal(200);
    const other = await paying(url, header, post("two"));
    expect([other.status, paid(other).errorReason]).to.deep.equal([402, "another_request"]);
    expect(await (await paying(url, header, post("one"))).text()).to.equal("sunny 1");
    expect(rig.runs).to.equal(1);
  });

  it("gives a stranger nothing who takes the authorization from the chain", async () => {
    const url = await rig.serve(sunny);
    const header = await rig.pay(await rig.offer(url));
    expect((await paying(url, header)).status).to.equal(200);
    const { authorization, signature } = calldataOf(header);
    const stolen = await rig.pay(await rig.offer(url), { ...authorization, signature });
    const response = await paying(url, stolen);
    expect([response.status, paid(response).errorReason]).to.deep.equal([
      402,
      "authorization_known",
    ]);
    expect(rig.runs).to.equal(1);
  });

  it("counts a transfer that the store does not know as paid, once", async () => {
    const url = await rig.serve(sunny);
    const offer = await rig.offer(url);
    const header = await rig.pay(offer);
    const exact = calldataOf(header);
    // The client has settled it itself.
    const { address, abi, functionName, args } = transferCall(rig.bloc, exact);
    await rig.chain.send(seller.key, address, abi, functionName, args);
    const before = await rig.income();
    const response = await paying(url, header);
    expect([response.status, paid(response).success]).to.deep.equal([200, true]);
    const second = await paying(
      url,
      await rig.pay(offer, {
        ...exact.authorization,
        signature: exact.signature,
        accepted: await rig.offer(url),
      }),
    );
    expect(second.status).to.equal(402);
    expect([rig.runs, await rig.income()]).to.deep.equal([1, before]);
  });

  it("does not count a transfer of another amount for its nonce", async () => {
    const url = await rig.serve(sunny);
    const offer = await rig.offer(url);
    const other = calldataOf(await rig.pay(offer, { value: 1n }));
    const { address, abi, functionName, args } = transferCall(rig.bloc, other);
    await rig.chain.send(seller.key, address, abi, functionName, args);
    const response = await paying(url, await rig.pay(offer, { nonce: other.authorization.nonce }));
    expect([response.status, paid(response).errorReason]).to.deep.equal([402, "other_transfer"]);
    expect(rig.runs).to.equal(0);
  });

  it("runs again after a failure of the upstream, which is not settled", async () => {
    let fails = true;
    const url = await rig.serve((_, response) => response.writeHead(fails ? 503 : 200).end());
    const before = await rig.income();
    const header = await rig.pay(await rig.offer(url));
    const failed = await paying(url, header);
    expect([failed.status, failed.headers.get("payment-response")]).to.deep.equal([503, null]);
    expect(await rig.income()).to.equal(before);
    fails = false;
    expect((await paying(url, header)).status).to.equal(200);
    expect([rig.runs, await rig.income()]).to.deep.equal([2, before + 1]);
  });

  it("with effects never runs twice, not even after a failure", async () => {
    const url = await rig.serve((request, response) => {
      request.resume();
      response.writeHead(500).end();
    });
    const before = await rig.income();
    const header = await rig.pay(await rig.offer(url, { method: "POST", body: "buy" }));
    const failed = await paying(url, header, { method: "POST", body: "buy" });
    expect(failed.status).to.equal(500);
    const again = await paying(url, header, { method: "POST", body: "buy" });
    expect(again.status).to.equal(409);
    expect([rig.runs, await rig.income()]).to.deep.equal([1, before]);
  });

  it("is served once if its answer is too large to be kept", async () => {
    const url = await rig.serve((_, response) => response.end(LARGE));
    const before = await rig.income();
    const header = await rig.pay(await rig.offer(url));
    const first = await paying(url, header);
    expect(paid(first).success).to.equal(true);
    expect((await first.arrayBuffer()).byteLength).to.equal(LARGE.length);
    const again = await paying(url, header);
    const { code } = (await again.json()) as { code: string };
    expect([again.status, code]).to.deep.equal([409, "ALREADY_SERVED"]);
    expect([rig.runs, await rig.income()]).to.deep.equal([1, before + 1]);
  });

  it("is served once if its answer streams, with the receipt in the trailer", async () => {
    const url = await rig.serve((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("sun");
      response.end("ny");
    });
    const header = await rig.pay(await rig.offer(url));
    const first = await ask({
      port: Number(new URL(url).port),
      headers: { "payment-signature": header, ...WITH_NONCE },
    });
    expect(first.headers).to.include.keys("payment-response");
    expect(fault(first.trailers["service-receipt"], {}, first)).to.equal(undefined);
    expect(first.body.toString()).to.equal("sunny");
    expect((await paying(url, header)).status).to.equal(409);
  });

  it("runs again if its client left before a byte of a large answer", async () => {
    // The upstream answers when the test says so.
    const held: ServerResponse[] = [];
    const waiting = Promise.withResolvers<undefined>();
    const url = await rig.serve((_, response) => {
      if (rig.runs === 1) {
        held.push(response);
        waiting.resolve(undefined);
      } else response.end(LARGE);
    });
    const header = await rig.pay(await rig.offer(url));
    const leaving = open({
      port: Number(new URL(url).port),
      headers: { "payment-signature": header },
    });
    leaving.end();
    await waiting.promise;
    const gone = once(held[0]!, "close");
    leaving.socket!.resetAndDestroy();
    await gone;
    const again = await paying(url, header);
    expect((await again.arrayBuffer()).byteLength).to.equal(LARGE.length);
    expect(rig.runs).to.equal(2);
  });

  it("waits while the first one is served", async () => {
    const held = Promise.withResolvers<ServerResponse>();
    const url = await rig.serve((_, response) => {
      held.resolve(response);
    });
    const header = await rig.pay(await rig.offer(url));
    const first = paying(url, header);
    const response = await held.promise;
    const second = await paying(url, header);
    expect([second.status, second.headers.get("retry-after")]).to.deep.equal([503, "2"]);
    response.end("sunny");
    expect((await first).status).to.equal(200);
    expect((await paying(url, header)).status).to.equal(200);
    expect(rig.runs).to.equal(1);
  });

  it("by byte costs its length: a larger answer gets its own price, and later at once", async () => {
    const url = await rig.serve((_, response) => response.end(LARGE), {
      price: parsePrice("0.01/MB"),
    });
    const offer = await rig.offer(url);
    expect(offer.amount).to.equal(String(1_048_576n * 10n ** 10n));
    const small = await paying(url, await rig.pay(offer));
    expect(small.status).to.equal(402);
    const right = await rig.offer(url);
    expect(right.amount).to.equal(String(BigInt(LARGE.length) * 10n ** 10n));
    expect((await paying(url, await rig.pay(right))).status).to.equal(200);
  });

  it("by byte is not sold by one transfer if its length is not known", async () => {
    const url = await rig.serve(
      (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.end("sunny");
      },
      { price: parsePrice("0.01/MB") },
    );
    const before = await rig.balance(rig.bloc, (await rig.offer(url)).payTo);
    const response = await paying(url, await rig.pay(await rig.offer(url)));
    expect(response.status).to.equal(402);
    expect(await rig.balance(rig.bloc, (await rig.offer(url)).payTo)).to.equal(before);
  });

  it("is served once although it comes to two gateways at the same time", async () => {
    const held: ServerResponse[] = [];
    const [one, two] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const hold: RequestListener = (_, response) => {
      held.push(response);
      (held.length === 1 ? one : two).resolve(undefined);
    };
    const storeFile = rig.storeFile();
    const urls = [
      await rig.serve(hold, {}, { storeFile }),
      await rig.serve(hold, {}, { storeFile }),
    ];
    const before = await rig.income();
    const header = await rig.pay(await rig.offer(urls[0]!));
    const first = paying(urls[0]!, header);
    await one.promise;
    const answers = [first, paying(urls[1]!, header)];
    await two.promise;
    for (const response of held) response.end(LARGE);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).to.have.length(1);
    expect(await rig.income()).to.equal(before + 1);
  });

  it("is not served by another service of the same payee, which may be dearer", async () => {
    const storeFile = rig.storeFile();
    const waiting = Promise.withResolvers<ServerResponse>();
    const cheap = await rig.serve(
      (_, response) => {
        waiting.resolve(response);
      },
      {},
      { storeFile },
    );
    const dear = await rig.serve(sunny, {}, { storeFile, serviceKey: `0x${"77".repeat(32)}` });
    const header = await rig.pay(await rig.offer(cheap));
    const first = paying(cheap, header);
    const response = await waiting.promise;
    const other = await paying(dear, header);
    expect([other.status, paid(other).errorReason]).to.deep.equal([402, "authorization_known"]);
    response.end("sunny");
    expect((await first).status).to.equal(200);
    expect((await paying(dear, header)).status).to.equal(402);
    expect(rig.runs).to.equal(1);
  });

  it("is paid and served when there is no room to keep its answer, and not kept", async () => {
    const url = await rig.serve(sunny, { maxAnswerBytes: 1 });
    const before = await rig.income();
    const header = await rig.pay(await rig.offer(url));
    expect((await paying(url, header)).status).to.equal(200);
    expect((await paying(url, header)).status).to.equal(409);
    expect((await paying(url, await rig.pay(await rig.offer(url)))).status).to.equal(200);
    expect([rig.runs, await rig.income()]).to.deep.equal([2, before + 2]);
  });
});
