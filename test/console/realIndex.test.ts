import { expect } from "chai";
import type { Browser } from "playwright-core";
import {
  openBrowser,
  openPage,
  settled,
  startConsole,
  whyNoBrowser,
} from "../support/consoleRig.ts";
import { playStory, type ConsoleStory } from "../support/consoleStory.ts";
import { IndexRig } from "../support/index/indexRig.ts";
import { expectAccessible } from "./support/accessible.ts";

/** Each page asks a real index; a query that the index does not know would make it read the chain instead. */
describe("the console's pages beside a real index, in Chromium", function () {
  this.timeout(300_000);
  let story: ConsoleStory;
  let index: IndexRig;
  let browser: Browser;
  let site: Awaited<ReturnType<typeof startConsole>>;
  const stops: (() => Promise<unknown>)[] = [];

  before(async function () {
    const why = whyNoBrowser();
    if (why !== undefined) {
      console.log(`      skipped: ${why}`);
      this.skip();
    }
    story = await playStory();
    stops.push(() => story.chain.stop());
    const { devnet } = story.chain.stage;
    index = await IndexRig.start({ deployment: devnet.deployment, rpcUrl: devnet.rpcUrl });
    stops.push(() => index.stop());
    await index.caughtUp();
    site = await startConsole(devnet, { indexUrl: new URL(index.base) });
    stops.push(site.stop);
    browser = await openBrowser();
    stops.push(() => browser.close());
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  it("take all that they show of the past from it", async () => {
    const { page, complaints } = await openPage(browser);
    const text = async (at: string) => {
      await page.goto(site.url + at);
      await settled(page);
      await page.getByText("The index is current").waitFor();
      await expectAccessible(page, `with an index ${at}`);
      const shown = await page.locator("main").innerText();
      expect(shown, at).not.to.match(/because the index|need the index|needs the index/);
      return shown;
    };
    expect(await text("#/")).to.contain("Verdicts E/G/P/F");
    expect(await text("#/services"))
      .to.contain("Paid by users")
      .and.to.contain("9.00");
    const fallen = await text("#/services/3");
    expect(fallen).to.contain("nothing in the three epochs before");
    expect(fallen).to.contain("What happened");
    expect(await text("#/services/1")).to.contain("Income by day");
    // The third auditor has claimed nothing.
    expect(await text("#/auditors")).to.contain("4 rounds, until epoch");
    const { owner } = story.chain.auditors[2]!;
    expect(await text(`#/auditors/${owner}`)).to.contain("expected");
    expect(await text(`#/money/${story.payer.address}`)).to.contain("9.000000");
    expect(complaints).to.deep.equal([]);
    await page.context().close();
  });
});
