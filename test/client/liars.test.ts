import { expect } from "chai";
import { encodeTabOffer } from "../../src/cashier/tabPayment.ts";
import { parsePrice } from "../../src/cashier/price.ts";
import { TabScheme, type X402Requirements } from "../../src/client/x402/tabScheme.ts";
import { TAB_SCHEME } from "../../src/protocol/x402.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { COLLECTOR, FakeCollector } from "../support/fakeTabs.ts";
import { fakePayer } from "../support/tabRig.ts";

const AMOUNT = 10n ** 14n;
const FORTUNE = 10n ** 19n;

describe("a provider that lies to the plugin", () => {
  const collector = new FakeCollector(parsePrice("0.0001/request"));
  const { token } = DEPLOYMENT.contracts;

  /** An offer that says what is due on a tab. */
  function offer(tab: `0x${string}`, charged: bigint): X402Requirements {
    const state = { tab, charged, cumulative: charged, last: undefined };
    return {
      ...{ scheme: TAB_SCHEME, network: `eip155:${DEPLOYMENT.chainId}`, amount: String(AMOUNT) },
      ...{ asset: token, payTo: COLLECTOR, maxTimeoutSeconds: 60 },
      extra: { ...encodeTabOffer(collector.quote(), state), offer: "token" },
    };
  }

  it("about what is due gets a window once, and not all that the wallet has", async () => {
    const payer = fakePayer();
    const scheme = new TabScheme(payer, { token });
    const tab = await payer.tabFor(collector.quote());
    for (let requests = 0; requests < 20; requests++) {
      await scheme.createPaymentPayload(2, offer(tab.tab, FORTUNE));
    }
    expect(tab.cumulative <= (32n + 2n * 20n * 20n) * AMOUNT).to.equal(true);
    expect(tab.cumulative).to.be.below(FORTUNE / 10n);
  });

  it("about the cost of a response gets no more than the client allows for a payment", async () => {
    const payer = fakePayer();
    const scheme = new TabScheme(payer, { token });
    const tab = await payer.tabFor(collector.quote());
    const asked = offer(tab.tab, 0n);
    const { payload } = await scheme.createPaymentPayload(2, asked);
    const answer = await scheme.schemeHooks.onPaymentResponse({
      paymentPayload: { payload, accepted: asked },
      settleResponse: {
        ...{ success: false, errorReason: "voucher_low" },
        extra: { tab: tab.tab, charged: "0", cumulative: "0", due: String(FORTUNE) },
      },
    });
    expect(answer).to.deep.equal({ recovered: true });
    await scheme.createPaymentPayload(2, asked);
    expect(tab.cumulative).to.be.below(10n ** 18n);
  });
});
