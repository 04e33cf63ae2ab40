import { expect } from "chai";
import type { RequestListener } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { parsePrice } from "../../../src/cashier/price.ts";
import type { PaymentRequirements } from "../../../src/protocol/x402.ts";
import { offered, paid, paying, PayRig } from "../../support/payRig.ts";

/** A token with another first character. */
const changed = (token: string) => (token.startsWith("A") ? "B" : "A") + token.slice(1);

const sunny: RequestListener = (_, response) => response.end("sunny");

describe("an offer, as its client returns it", function () {
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

  const changes: Record<string, (offer: PaymentRequirements) => Partial<PaymentRequirements>> = {
    "a lower amount": ({ amount }) => ({ amount: String(BigInt(amount) - 1n) }),
    "another payee": () => ({ payTo: `0x${"cd".repeat(20)}` }),
    "another token": () => ({ asset: rig.coin.address }),
    "another network": () => ({ network: "eip155:1" }),
    "more time": () => ({ maxTimeoutSeconds: 59 }),
    "another name of the token": ({ extra }) => ({ extra: { ...extra, name: "Blockcloud " } }),
    "a field more": ({ extra }) => ({ extra: { ...extra, note: 1 } }),
    "no token of the offer": ({ extra: { offer: _, ...extra } }) => ({ extra }),
    "a changed token of the offer": ({ extra }) => ({
      extra: { ...extra, offer: changed(String(extra.offer)) },
    }),
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`with ${what} gets fresh offers; nothing runs, nothing is settled`, async () => {
      const url = await rig.serve(sunny);
      const before = await rig.income();
      const offer = await rig.offer(url);
      const accepted = { ...offer, ...change(offer) };
      const response = await paying(url, await rig.pay(offer, { accepted }));
      expect(response.status).to.equal(402);
      expect(offered(response).accepts).not.to.have.length(0);
      expect([rig.runs, await rig.income()]).to.deep.equal([0, before]);
      // The offer itself still holds.
      expect((await paying(url, await rig.pay(offer))).status).to.equal(200);
    });
  }

  it("pays for its own method and target only", async () => {
    const url = await rig.serve(sunny);
    const header = await rig.pay(await rig.offer(`${url}/a?b=1`));
    expect((await paying(`${url}/a?b=2`, header)).status).to.equal(402);
    expect((await paying(`${url}/a?b=1`, header, { method: "POST" })).status).to.equal(402);
    expect(rig.runs).to.equal(0);
    expect((await paying(`${url}/a?b=1`, header)).status).to.equal(200);
  });

  it("holds at its own price when prices change, until it expires", async () => {
    const storeFile = rig.storeFile();
    const old = await rig.offer(await rig.serve(sunny, {}, { storeFile }));
    await rig.close();
    const url = await rig.serve(sunny, { price: parsePrice("0.02/request") }, { storeFile });
    expect((await rig.offer(url)).amount).to.equal(String(2n * BigInt(old.amount)));
    const response = await paying(url, await rig.pay(old));
    expect(response.status).to.equal(200);
    expect(paid(response).amount).to.equal(old.amount);
    await rig.pass(301);
    const late = await paying(url, await rig.pay(old));
    expect([late.status, offered(late).error]).to.deep.equal([402, "offer_expired"]);
  });

  it("is equal with its fields in another order", async () => {
    const url = await rig.serve(sunny);
    const offer = await rig.offer(url);
    const reversed = Object.fromEntries(Object.entries(offer).reverse());
    const accepted = reversed as unknown as PaymentRequirements;
    expect((await paying(url, await rig.pay(offer, { accepted }))).status).to.equal(200);
  });

  it("has at most 60 seconds, and a payment must fit into them", async () => {
    const url = await rig.serve(sunny);
    const offer = await rig.offer(url);
    expect(offer.maxTimeoutSeconds).to.equal(60);
    const now = BigInt(Math.floor(rig.now));
    for (const validBefore of [now + 3n, now + 300n]) {
      const response = await paying(url, await rig.pay(offer, { validBefore }));
      expect([response.status, paid(response).success]).to.deep.equal([402, false]);
    }
    const early = await paying(url, await rig.pay(offer, { validAfter: now + 30n }));
    expect(paid(early).errorReason).to.equal("not_yet_valid");
    expect(rig.runs).to.equal(0);
  });

  it("is refused with a payment of another amount, payee, signer or without the money", async () => {
    const storeFile = rig.storeFile();
    const url = await rig.serve(sunny, {}, { storeFile });
    const offer = await rig.offer(url);
    const poor = `0x${"77".repeat(32)}` as const;
    const reasons = [];
    for (const over of [
      { value: BigInt(offer.amount) - 1n },
      { to: rig.coin.address },
      { signature: `0x${"11".repeat(64)}1b` as const },
      { signature: "0x" as const },
      { key: poor },
    ]) {
      const response = await paying(url, await rig.pay(offer, over));
      expect(response.status).to.equal(402);
      reasons.push(paid(response).errorReason);
    }
    expect(reasons).to.deep.equal([
      ...["value_mismatch", "recipient_mismatch", "TokenAuthorizationSignature"],
      ...["TokenAuthorizationSignature", "ERC20InsufficientBalance"],
    ]);
    expect(rig.runs).to.equal(0);
    // Only what passes is stored.
    const database = new DatabaseSync(storeFile, { readOnly: true });
    expect(database.prepare("SELECT count(*) AS n FROM payments").get()?.n).to.equal(0);
    database.close();
  });

  it("is malformed with a header of another form", async () => {
    const url = await rig.serve(sunny);
    const header = await rig.pay(await rig.offer(url));
    const json = JSON.parse(Buffer.from(header, "base64").toString()) as { payload: object };
    const as = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");
    for (const bad of [
      "%",
      "e30=",
      as({ ...json, x402Version: 1 }),
      as({ ...json, payload: {} }),
    ]) {
      const response = await paying(url, bad);
      const problem = (await response.json()) as { code: string };
      expect([response.status, problem.code]).to.deep.equal([400, "PAYMENT_MALFORMED"]);
    }
  });
});
