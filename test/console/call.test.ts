import { expect } from "chai";
import type { Page } from "playwright-core";
import { stringToHex, type Hex } from "viem";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { signRecord } from "../../src/protocol/record.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { startConsole } from "../support/consoleRig.ts";
import { inBrowser } from "../support/inBrowser.ts";
import { startSigningService } from "./support/signingService.ts";

const HOSTILE =
  "<script>document.title = 'owned'</script>\n<img src=x onerror=alert(1)>\u202Egpj.exe";

/** The page calls a service through the console's server, as it is served, and checks what comes back. */
describe("the console's page Call", function () {
  this.timeout(300_000);
  let chain: AuditedChain;
  let page: Page;
  let complaints: string[];
  let url: string;
  let service: Awaited<ReturnType<typeof startSigningService>>;

  inBrowser(async ({ keep, open }) => {
    chain = keep(await AuditedChain.start({ services: [4_000, 4_000], auditors: [10_000] }));
    const rpc = { path: "/rpc", rpc: { method: "eth_chainId", params: [] } };
    const probe = JSON.stringify({ v: 2, requests: [rpc] });
    await chain.own(2, "setProbe", [2n, stringToHex(probe)]);
    await chain.enter(FIRST);
    const { chainId, contracts } = chain.deployment;
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    const id = rootServiceId(1n);
    const { key } = chain.serviceKey(1);
    service = keep(await startSigningService(id, domain, { body: HOSTILE, key }));
    const issuedAt = (await chain.client.getBlock()).timestamp * 1000n;
    const record = {
      serviceId: id,
      issuedAt,
      expiresAt: issuedAt + 12n * 3_600_000n,
      endpoints: [{ uri: `${service.url}/api`, priority: 10, weight: 100 }],
      delegation: "0x" as Hex,
    };
    await chain.own(1, "announce", [1n, signRecord(record, domain, hexToBytes(key))]);
    ({ url } = keep(await startConsole(chain.stage.devnet)));
    ({ page, complaints } = await open());
    await page.goto(`${url}#/call/1`);
  });

  const call = async () => {
    await page.getByRole("button", { name: "Call", exact: true }).focus();
    await page.keyboard.press("Enter");
    const answered = page.locator("main > .notice");
    await page.getByRole("button", { name: "Calling…" }).waitFor({ state: "detached" });
    await answered.first().waitFor();
    return answered.first().innerText();
  };

  it("proves a response by its receipt, and shows a hostile body as text", async () => {
    expect(await call()).to.contain("The receipt proves the response: status 200");
    const body = await page.getByLabel("Body", { exact: true }).innerText();
    expect(body).to.contain("<script>document.title").and.not.to.contain("\u202E");
    expect(await page.locator("main img, main script").count()).to.equal(0);
    expect(await page.title()).to.contain("Call");
    expect(await page.getByText("no receipt covers them").isVisible()).to.equal(true);
    // The two lists stand beside each other, and begin at the same height.
    const [first, second] = await page.evaluate<number[]>(
      '[...document.querySelectorAll(".columns > section > ul")].map((list) => list.getBoundingClientRect().top)',
    );
    expect(first).to.be.above(0).and.to.equal(second);
  });

  it("does not tell an error in green: it is proven, and not good", async () => {
    service.state.status = 404;
    const text = await call();
    delete service.state.status;
    expect(text)
      .to.contain("answered with an error: status 404")
      .and.to.contain("The receipt proves that the service sent this error");
    expect(await page.locator("main > .notice-good").count()).to.equal(0);
    expect(await page.locator("main > .notice-warning").count()).to.equal(1);
  });

  it("is filled with the first request of the probe, until the reader chooses another", async () => {
    const path = page.getByLabel("Path");
    await page.getByText("it is in the service's probe").waitFor();
    expect(await path.inputValue()).to.equal("/");
    await page.getByLabel(/^Service/).fill("2");
    const body = page.locator("textarea");
    await body.waitFor();
    expect(await body.inputValue()).to.contain("eth_chainId");
    expect(await path.inputValue()).to.equal("/rpc");
    expect(await page.getByRole("combobox", { name: /^Method/ }).inputValue()).to.equal("POST");
    await path.fill("/other");
    await page.getByText("it is in the service's probe").waitFor({ state: "detached" });
    await page.goto(`${url}#/call/1?path=/own`);
    await page.reload();
    await page.getByRole("heading", { name: "Call", level: 1 }).waitFor();
    expect(await path.inputValue()).to.equal("/own");
    await page.goto(`${url}#/call/1`);
    await page.reload();
    await page.getByText("it is in the service's probe").waitFor();
  });

  it("proves a POST with its body, too", async () => {
    await page.getByLabel("Method").selectOption("POST");
    await page.getByLabel("Body", { exact: true }).first().fill("question");
    expect(await call()).to.contain("The receipt proves the response");
    await page.getByLabel("Method").selectOption("GET");
  });

  it("refuses a receipt of another key, and one for another body", async () => {
    service.state.key = chain.serviceKey(3).key;
    const forged = await call();
    expect(forged).to.contain("does not prove").and.to.contain("RECEIPT_KEY");
    service.state.key = chain.serviceKey(1).key;
    service.state.signs = "another body";
    expect(await call()).to.contain("RECEIPT_CHANNEL");
    delete service.state.signs;
  });

  it("says that nothing is proven without a receipt", async () => {
    service.state.key = undefined;
    expect(await call()).to.contain("RECEIPT_MISSING");
    expect(await page.getByText("that the response comes from the service").isVisible()).to.equal(
      true,
    );
    service.state.key = chain.serviceKey(1).key;
  });

  it("does not believe the console's server: it checks the receipt itself", async () => {
    await page.route("**/call/**", async (route) => {
      const response = await route.fetch();
      const answer = (await response.json()) as { body: string };
      const body = Buffer.from("what the server made of it").toString("base64");
      await route.fulfill({ response, json: { ...answer, body } });
    });
    expect(await call()).to.contain("RECEIPT_CHANNEL");
    await page.unroute("**/call/**");
  });

  describe("Ask, in the list of services and beside others", () => {
    const ask = async () => {
      await page
        .getByRole("button", { name: /^Ask service 1/ })
        .first()
        .click();
      await page.getByRole("button", { name: "Ask service 1 again", disabled: false }).waitFor();
      return page.getByRole("row").filter({ hasText: "#1" }).first().innerText();
    };
    before(async () => {
      await page.goto(`${url}#/services`);
    });
    after(async () => {
      delete service.state.offers;
      await page.goto(`${url}#/call/1`);
    });

    it("times an answer that a receipt proves, and says that it costs nothing", async () => {
      expect(await ask())
        .to.match(/\d ms/)
        .and.to.contain("free");
    });

    it("shows the price that the service asks for", async () => {
      const price = { perByte: "2000000000", perRequest: "100000000000000", perSecond: "0" };
      service.state.offers = [
        {
          ...{ scheme: "blockcloud-tab", network: "eip155:31337", amount: "1" },
          ...{ asset: chain.deployment.contracts.token, extra: { quote: { price } } },
        },
      ];
      expect(await ask())
        .to.contain("0.0001 a request")
        .and.to.contain("0.002 a MB")
        .and.to.match(/\d ms/);
    });

    it("takes no time for an answer without a receipt", async () => {
      service.state.key = undefined;
      const shown = await ask();
      expect(shown).to.contain("RECEIPT_MISSING").and.not.to.match(/\d ms/);
      service.state.key = chain.serviceKey(1).key;
    });

    it("asks all that are compared, and says how they were reached", async () => {
      await page.getByLabel("Compare service 1").check();
      await page.getByRole("button", { name: "Ask all from here" }).click();
      const compared = page.getByRole("group", { name: "Comparison" });
      await compared.getByText("directly").waitFor();
      expect(await compared.innerText()).to.match(/\d ms/);
    });
  });

  it("names what it cannot call", async () => {
    const field = page.getByLabel(/^Service/);
    await field.fill("9");
    expect(await call()).to.contain("SERVICE_UNKNOWN");
    await field.fill("1");
    await page.getByLabel("Path").fill("no path");
    expect(await call()).to.contain("PATH_INVALID");
    expect(complaints).to.deep.equal([]);
  });
});
