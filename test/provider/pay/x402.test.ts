import { expect } from "chai";
import { offered, paid, PAY_TO, payingFetch, PayRig, buyer } from "../../support/payRig.ts";
import { fault, NONCE } from "../../support/providerRig.ts";

describe("unmodified @x402/fetch pays a gateway", function () {
  this.timeout(240_000);

  let rig: PayRig;
  before(async () => {
    rig = await PayRig.start();
  });
  after(() => rig.stop());
  afterEach(() => rig.close());

  it("in BLOC, with its one line of configuration", async () => {
    const url = await rig.serve((_, response) => response.end("sunny"));
    const { token } = rig.chain.devnet.deployment.contracts;
    const before = await rig.balance(token, PAY_TO);
    const { fetch } = payingFetch(rig.clientFor(token));
    const response = await fetch(`${url}/forecast?day=1`, {
      headers: { "Service-Nonce": NONCE },
    });
    const body = await response.text();
    expect(`${response.status} ${body}`).to.equal("200 sunny");
    expect(await rig.balance(token, PAY_TO)).to.equal(before + 10n ** 16n);
    const { success, payer, transaction } = paid(response);
    expect(success).to.equal(true);
    expect(payer).to.equal(buyer.address);
    const receipt = await rig.chain.client.getTransactionReceipt({
      hash: transaction as `0x${string}`,
    });
    expect(receipt.status).to.equal("success");
    // Paid and delivered, both signed, over the same answer.
    expect(
      fault(
        response.headers.get("service-receipt"),
        { path: "/forecast?day=1" },
        { status: 200, body: Buffer.from(body) },
      ),
    ).to.equal(undefined);
  });

  it("in the network's stablecoin, which the operator names", async () => {
    const url = await rig.serve((_, response) => response.end("sunny"), { coin: rig.coin });
    const { address } = rig.coin;
    const before = await rig.balance(address, PAY_TO);
    const { fetch } = payingFetch(rig.clientFor(address));
    const response = await fetch(`${url}/forecast`);
    expect(`${response.status} ${await response.text()}`).to.equal("200 sunny");
    expect(await rig.balance(address, PAY_TO)).to.equal(before + 1_000n);
  });

  it("finds the offers in their order, and the Cashier as payee of none", async () => {
    const url = await rig.serve((_, response) => response.end(), { coin: rig.coin });
    const { contracts } = rig.chain.devnet.deployment;
    const response = await fetch(url);
    expect(response.status).to.equal(402);
    const { accepts, x402Version } = offered(response);
    expect(x402Version).to.equal(2);
    expect(accepts.map(({ scheme, asset }) => [scheme, asset])).to.deep.equal([
      ["exact", rig.coin.address],
      ["exact", contracts.token],
    ]);
    expect(accepts.map(({ payTo }) => payTo)).not.to.include(contracts.cashier);
  });
});
