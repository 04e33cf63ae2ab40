import { expect } from "chai";
import { x402Client, wrapFetchWithPayment } from "@x402/fetch";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { parseEther } from "viem";
import { openTabPayer } from "../../src/client/x402/openPayer.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { examplesOf, runExample } from "../support/examples.ts";
import { paid } from "../support/payRig.ts";
import { TabStage } from "../support/tabStage.ts";

const BYTE = 2n * 10n ** 9n;
const REQUEST = 10n ** 15n;

describe("@x402/fetch with the plugin of this package, on the embedded chain", function () {
  this.timeout(240_000);

  let rig: TabStage;
  before(async () => {
    rig = await TabStage.start("0.001/request|0.002/MB");
  });
  after(() => rig.stop());

  const open = (state = "wallet", maxSpend = parseEther("1")) =>
    openTabPayer({
      ...{ deployment: rig.stage.deployment, rpc: rig.stage.rpcUrl },
      ...{ stateDir: path.join(rig.folder, state), key: hexToBytes(rig.buyer.key), maxSpend },
    });
  const cost = REQUEST + 5n * BYTE;

  it("pays requests by tab with no transaction of the payer", async () => {
    await using payer = await open();
    const payingFetch = wrapFetchWithPayment(fetch, payer.register(new x402Client()));
    const answers = await Promise.all(Array.from({ length: 5 }, () => payingFetch(`${rig.url}/a`)));
    for (const answer of answers) {
      expect(`${answer.status} ${await answer.text()}`).to.equal("200 sunny");
      expect(paid(answer)).to.include({ success: true, payer: rig.buyer.address });
    }
    const [tab] = rig.collector.tabs;
    expect(tab?.charged).to.equal(5n * cost);
    expect(await rig.stage.client.getTransactionCount(rig.buyer)).to.equal(0);
  });

  it("goes on with the same tab in another process", async () => {
    await using payer = await open();
    const payingFetch = wrapFetchWithPayment(fetch, payer.register(new x402Client()));
    expect((await payingFetch(`${rig.url}/b`)).status).to.equal(200);
    expect([...rig.collector.tabs]).to.have.length(1);
    expect([...rig.collector.tabs][0]?.charged).to.equal(6n * cost);
  });

  it("goes on after the provider has redeemed what was paid", async () => {
    await rig.redeemer.round();
    const [tab] = rig.collector.tabs;
    expect(tab?.redeemed).to.equal(tab?.paid);
    expect(tab?.paid).to.be.a("bigint").and.not.equal(0n);
    expect(tab?.service).to.equal(rootServiceId(1n));
    await using payer = await open();
    const payingFetch = wrapFetchWithPayment(fetch, payer.register(new x402Client()));
    expect((await payingFetch(`${rig.url}/c`)).status).to.equal(200);
    expect(tab?.charged).to.equal(7n * cost);
  });

  it("pays no more than the caps of its wallet", async () => {
    await using payer = await open("poor", 1n);
    const payingFetch = wrapFetchWithPayment(fetch, payer.register(new x402Client()));
    const [tab] = rig.collector.tabs;
    const before = tab?.charged;
    const failure = await payingFetch(`${rig.url}/d`).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    expect(failure).to.contain("cap");
    expect(tab?.charged).to.equal(before);
  });

  describe("as docs/payments.md shows it, in processes of their own", () => {
    const place = (name: string) => JSON.stringify(path.join(rig.folder, name));
    const here = (code: string) =>
      code
        .replaceAll('loadNetwork("sepolia")', `loadDeployment(${place("deployment.json")})`)
        .replaceAll("loadNetwork", "loadDeployment")
        .replaceAll('network: "sepolia"', `deployment: ${place("deployment.json")}`)
        .replaceAll("https://rpc.example", rig.stage.rpcUrl)
        .replaceAll("https://weather.example", rig.url)
        .replaceAll('"buyer.key"', place("buyer.key"))
        .replaceAll('".blockcloud"', place("state"));
    before(() => {
      const { deployment } = rig.stage;
      writeFileSync(path.join(rig.folder, "deployment.json"), JSON.stringify(deployment));
      writeFileSync(path.join(rig.folder, "buyer.key"), rig.buyer.key, { mode: 0o600 });
    });

    for (const { heading, code, prints } of examplesOf("docs/payments.md")) {
      it(`${heading} prints ${prints.join(", ")}`, async () => {
        expect(prints).not.to.have.length(0);
        const { code: exit, stdout, stderr } = await runExample(here(code));
        expect(stderr).to.equal("");
        expect(stdout.trimEnd().split("\n")).to.deep.equal(prints);
        expect(exit).to.equal(0);
      });
    }
  });
});
