import { expect } from "chai";
import { priceOf, unacceptablePayment } from "../../console/src/call/price.ts";
import { encodeField } from "../../src/protocol/x402.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { paying } from "../support/payRig.ts";
import { TabRig } from "../support/tabRig.ts";

const TOKEN = DEPLOYMENT.contracts.token;

/** An answer in the form in which the page has it. */
async function answerOf(response: Response) {
  await response.arrayBuffer();
  return { status: response.status, headers: [...response.headers] };
}

describe("the price of a service, as the console's page asks for it", () => {
  let rig: TabRig;
  let runs = 0;
  /** Requests that the free allowance was asked for. */
  let taken = 0;
  const allowance = {
    takeRequest: () => {
      taken += 1;
      return true;
    },
    takeBytes: (_: string, wanted: number) => wanted,
    giveBack: () => undefined,
  };
  const listen = () =>
    rig.serve(
      (_, response) => {
        runs += 1;
        response.end("sunny");
      },
      { allowance },
    );
  const ask = async (url: string) =>
    answerOf(await paying(url, unacceptablePayment(DEPLOYMENT.chainId)));

  beforeEach(() => {
    runs = 0;
    taken = 0;
  });
  afterEach(() => rig.close());

  it("is told by a real gateway, which runs nothing and takes nothing from the allowance", async () => {
    rig = new TabRig("0.0001/request|0.002/MB|0.36/hour");
    const answer = await ask(await listen());
    expect(answer.status).to.equal(402);
    expect(priceOf(answer, false, TOKEN)).to.deep.equal({
      kind: "priced",
      parts: ["0.0001 a request", "0.002 a MB", "0.36 an hour"],
    });
    expect([runs, taken]).to.deep.equal([0, 0]);
  });

  it("is nothing where the request is served, but only if a receipt proves that", () => {
    const served = { status: 200, headers: [] };
    rig = new TabRig("0.0001/request");
    expect(priceOf(served, true, TOKEN)).to.deep.equal({ kind: "free" });
    expect(priceOf(served, false, TOKEN).kind).to.equal("unknown");
  });

  it("is an amount for a request where only transfers of BLOC are taken", () => {
    rig = new TabRig("0.0001/request");
    const offer = { scheme: "exact", network: "eip155:1", amount: "2000000000000000", extra: {} };
    const told = (accepts: object[]) =>
      priceOf(
        { status: 402, headers: [["payment-required", encodeField({ accepts })]] },
        false,
        TOKEN,
      );
    expect(told([{ ...offer, asset: TOKEN.toLowerCase() }])).to.deep.equal({
      kind: "priced",
      parts: ["0.002 a request with 1 MiB"],
    });
    expect(told([{ ...offer, asset: `0x${"ab".repeat(20)}` }]).kind).to.equal("unknown");
    expect(told([{ ...offer, asset: "<img>" }]).kind).to.equal("unknown");
  });

  it("is not told by hostile offers", () => {
    rig = new TabRig("0.0001/request");
    const tab = (price: object) => ({
      ...{ scheme: "blockcloud-tab", network: "x", amount: "1", asset: TOKEN },
      extra: { quote: { price } },
    });
    for (const field of [
      "not base64!",
      encodeField({}),
      encodeField({ accepts: "x" }),
      encodeField({ accepts: Array(17).fill(tab({})) }),
      encodeField({ accepts: [tab({ perByte: "1e9", perRequest: "0", perSecond: "0" })] }),
      encodeField({ accepts: [tab({ perByte: "-1", perRequest: "0", perSecond: "0" })] }),
      encodeField({
        accepts: [tab({ perByte: "9".repeat(31), perRequest: "0", perSecond: "0" })],
      }),
    ]) {
      const answer = { status: 402, headers: [["Payment-Required", field] as const] };
      expect(priceOf(answer, false, TOKEN).kind, field.slice(0, 80)).to.equal("unknown");
    }
    expect(priceOf({ status: 402, headers: [] }, false, TOKEN).kind).to.equal("unknown");
  });
});
