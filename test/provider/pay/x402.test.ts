import { expect } from "chai";
import { SETTLEMENT_GAS } from "../../../src/provider/gateway/pay/localFacilitator.ts";
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

  it("with a settlement that takes less gas than its least price counts with", async () => {
    for (const asset of [rig.bloc, rig.coin.address]) {
      // To a payee that has none, too.
      for (const payTo of [PAY_TO, `0x${"9".repeat(40)}` as const]) {
        const fresh = await rig.serve((_, response) => response.end(), { coin: rig.coin, payTo });
        const response = await payingFetch(rig.clientFor(asset)).fetch(fresh);
        const hash = paid(response).transaction as `0x${string}`;
        const { gasUsed } = await rig.chain.client.getTransactionReceipt({ hash });
        expect(gasUsed <= SETTLEMENT_GAS, `${gasUsed}`).to.equal(true);
      }
    }
  });

  it("is not offered a price that its gas would eat", async () => {
    const url = await rig.serve((_, response) => response.end(), {
      weiPerBloc: 1n,
      coin: rig.coin,
    });
    const { accepts } = offered(await fetch(url));
    expect(accepts.map(({ asset }) => asset)).to.deep.equal([rig.coin.address]);
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
