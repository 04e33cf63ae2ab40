import { expect } from "chai";
import { startConsole, type ConsoleSite } from "../support/consoleRig.ts";
import { playStory, type ConsoleStory } from "../support/consoleStory.ts";
import { inBrowser, settled } from "../support/inBrowser.ts";
import { IndexRig } from "../support/index/indexRig.ts";
import { expectAccessible } from "./support/accessible.ts";

/** Each page asks a real index; a query that the index does not know would make it read the chain instead. */
describe("the console's pages beside a real index, in Chromium", function () {
  this.timeout(300_000);
  let story: ConsoleStory;
  let site: ConsoleSite;

  const browser = inBrowser(async ({ keep }) => {
    story = await playStory();
    keep(story.chain);
    const { devnet } = story.chain.stage;
    const index = keep(
      await IndexRig.start({ deployment: devnet.deployment, rpcUrl: devnet.rpcUrl }),
    );
    await index.caughtUp();
    site = keep(await startConsole(devnet, { indexUrl: new URL(index.base) }));
  });

  it("take all that they show of the past from it", async () => {
    const { page, complaints } = await browser.open();
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
  });
});
