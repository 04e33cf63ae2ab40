import type { Browser } from "playwright-core";
import { expect } from "chai";
import type { AuditedChain } from "../support/auditedChain.ts";
import { openBrowser, openPage, startConsole, whyNoBrowser } from "../support/consoleRig.ts";
import { PATIENCE_MS } from "../support/until.ts";
import { expectAccessible } from "./support/accessible.ts";
import { COUNTED, playEpochs } from "./support/verifiedChain.ts";

/** Verify, Wallet and Call with something in them, light on a desk and dark on a phone, and the other way round. */
describe("the console's pages Verify, Wallet and Call", function () {
  this.timeout(300_000);
  let chain: AuditedChain;
  let browser: Browser;
  let site: Awaited<ReturnType<typeof startConsole>>;
  const stops: (() => Promise<unknown>)[] = [];

  before(async function () {
    const missing = whyNoBrowser();
    if (missing !== undefined) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    chain = await playEpochs();
    stops.push(() => chain.stop());
    site = await startConsole(chain.stage.devnet);
    stops.push(site.stop);
    browser = await openBrowser();
    stops.push(() => browser.close());
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  for (const width of [1440, 390]) {
    for (const colours of ["light", "dark"] as const) {
      it(`are whole and accessible at ${width} pixels, ${colours}`, async () => {
        const { page, complaints } = await openPage(browser, { width, colours });
        page.setDefaultTimeout(PATIENCE_MS);
        await page.goto(`${site.url}#/verify/${COUNTED}`);
        await page.getByRole("button", { name: "Recount" }).click();
        await page.getByText("the contracts agree").waitFor();
        await expectAccessible(page, "Verify");
        await page.goto(`${site.url}#/acts/settle?service=1`);
        await page.getByRole("button", { name: /^Connect Test account/ }).click();
        await page.getByRole("button", { name: "Check and show the cost" }).click();
        await page.getByRole("button", { name: "Send the transaction" }).waitFor();
        await expectAccessible(page, "Wallet");
        await page.goto(`${site.url}#/acts/stake?service=none`);
        await page.getByRole("button", { name: "Check and show the cost" }).click();
        await page.getByText("FIELD_INVALID").waitFor();
        await expectAccessible(page, "an act that is refused");
        await page.goto(`${site.url}#/call/none`);
        await page.getByRole("button", { name: "Call", exact: true }).click();
        await page.getByText("SERVICE_UNKNOWN").waitFor();
        await expectAccessible(page, "Call");
        expect(complaints).to.deep.equal([]);
        await page.context().close();
      });
    }
  }
});
