import { expect } from "chai";
import type { AuditedChain } from "../support/auditedChain.ts";
import { startConsole, type ConsoleSite } from "../support/consoleRig.ts";
import { inBrowser } from "../support/inBrowser.ts";
import { expectAccessible } from "./support/accessible.ts";
import { COUNTED, playEpochs } from "./support/verifiedChain.ts";

/** Verify, Wallet and Call with something in them, light on a desk and dark on a phone, and the other way round. */
describe("the console's pages Verify, Wallet and Call", function () {
  this.timeout(300_000);
  let chain: AuditedChain;
  let site: ConsoleSite;

  const browser = inBrowser(async ({ keep }) => {
    chain = keep(await playEpochs());
    site = keep(await startConsole(chain.stage.devnet));
  });

  for (const width of [1440, 390]) {
    for (const colours of ["light", "dark"] as const) {
      it(`are whole and accessible at ${width} pixels, ${colours}`, async () => {
        const { page, complaints } = await browser.open({ width, colours });
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
      });
    }
  }
});
