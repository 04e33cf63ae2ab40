import { expect } from "chai";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "playwright-core";
import {
  openBrowser,
  openPage,
  settled,
  startConsole,
  whyNoBrowser,
} from "../support/consoleRig.ts";
import { playStory, type ConsoleStory } from "../support/consoleStory.ts";

/** What axe says of a page; its types belong to a browser's project. */
interface Finding {
  id: string;
  impact: string | null;
  nodes: { html: string }[];
}

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Every page from the chain alone, as people see it: light and dark, on a phone and on a desk. */
describe("the console's pages, in Chromium", function () {
  this.timeout(240_000);
  let story: ConsoleStory;
  let site: Awaited<ReturnType<typeof startConsole>>;
  let browser: Browser;
  let folder: string;
  /** Paths and headings. */
  let pages: [string, string][];

  before(async function () {
    const why = whyNoBrowser();
    if (why !== undefined) {
      console.log(`skipped: ${why}`);
      this.skip();
    }
    [story, browser] = await Promise.all([playStory(), openBrowser()]);
    site = await startConsole(story.chain.stage.devnet);
    folder = await mkdtemp(path.join(tmpdir(), "console-shots-"));
    const auditor = story.chain.auditors[0]!.owner;
    pages = [
      ["#/", "Network"],
      ["#/services", "Services"],
      ["#/services/1", "Service #1"],
      ["#/services/3", "Service #3"],
      ["#/auditors", "Auditors"],
      [`#/auditors/${auditor}`, "Auditor"],
      ["#/money", "Money"],
      [`#/money/${story.payer.address}`, "Money"],
    ];
  });
  after(async () => {
    await browser?.close();
    await site?.stop();
    await story?.chain.stop();
    if (folder !== undefined && process.env.BLOCKCLOUD_SHOTS === undefined)
      await rm(folder, { recursive: true });
  });

  for (const width of [1440, 390]) {
    for (const colours of ["light", "dark"] as const) {
      it(`are whole, accessible and within the policy at ${width} pixels, ${colours}`, async () => {
        const source = await readFile(axe, "utf8");
        const { page, complaints } = await openPage(browser, { width, colours });
        for (const [at, heading] of pages) {
          await page.goto(site.url + at);
          await settled(page);
          expect(await page.locator("main h1").textContent(), at).to.contain(heading);
          await page.screenshot({
            path: path.join(folder, `${width}-${colours}-${at.replaceAll(/\W+/g, "-")}.png`),
            fullPage: true,
          });
          const wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
          expect(wider, `${at} is wider than its window`).to.be.at.most(0);
          await page.evaluate(source);
          const { violations } = await page.evaluate<{ violations: Finding[] }>("axe.run()");
          const serious = violations.filter(
            ({ impact }) => impact === "serious" || impact === "critical",
          );
          expect(
            serious.map(
              ({ id, nodes }) =>
                `${id}: ${nodes
                  .map(({ html }) => html)
                  .join(" ")
                  .slice(0, 300)}`,
            ),
            at,
          ).to.deep.equal([]);
        }
        expect(complaints).to.deep.equal([]);
        await page.context().close();
      });
    }
  }

  it("show what the chain says", async () => {
    const { page } = await openPage(browser);
    const text = async (at: string) => {
      await page.goto(site.url + at);
      await settled(page);
      return page.locator("main").innerText();
    };
    expect(await text("#/"))
      .to.match(/3 of 3 auditors committed/)
      .and.to.match(/2 of 3 auditors claimed/);
    const list = await text("#/services");
    expect(list)
      .to.contain("weather")
      .and.to.contain("by a relay")
      .and.to.contain("3 of 3 services");
    const second = await text("#/services/2");
    expect(second)
      .to.contain("the median took between 1.5 s and 3.5 s")
      .and.to.contain("sal://relay.example:7370?relay");
    await page.getByText("has checked the signature").waitFor();
    expect(await text("#/services/3")).to.contain("did not match the probe");
    expect(await text("#/auditors"))
      .to.contain("13,000")
      .and.to.contain("in the draw");
    const money = await text(`#/money/${story.payer.address}`);
    expect(money).to.contain("200.00").and.to.contain("9.000000");
    expect(await text("#/services/99")).to.contain("SERVICE_UNKNOWN");
    await page.context().close();
  });

  it("name who voted what, from the reveals' calldata", async () => {
    const { page } = await openPage(browser);
    await page.goto(`${site.url}#/services/2`);
    await page.getByRole("button", { name: `Show votes of epoch ${story.last - 3}` }).click();
    const votes = page.getByRole("region", { name: `Votes of epoch ${story.last - 3}` });
    await votes.locator("tbody tr").first().waitFor();
    expect(await votes.locator("tbody tr").count()).to.equal(3);
    expect(await votes.innerText()).to.match(/Good|Poor|Excellent/);
    await page.context().close();
  });

  it("save the statement as CSV and JSON", async () => {
    const { page } = await openPage(browser);
    await page.goto(`${site.url}#/money/${story.payer.address}`);
    for (const [button, expected] of [
      ["Save CSV", /^day,service,paid_bloc,redemptions\r\n\d{4}-\d\d-\d\d,1,9,2\r\n$/],
      ["Save JSON", /"paidWei": "9000000000000000000"/],
    ] as const) {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: button }).click(),
      ]);
      expect(await readFile(await download.path(), "utf8")).to.match(expected);
    }
    await page.context().close();
  });

  it("can be used with the keyboard alone", async () => {
    const { page } = await openPage(browser);
    await page.goto(site.url);
    await settled(page);
    const focused = () =>
      page.evaluate<string>("document.activeElement.textContent || document.activeElement.id");
    await page.keyboard.press("Tab");
    expect(await focused()).to.contain("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).to.equal("main");
    // The navigation: a page is opened, and its content has the focus.
    await page.keyboard.press("Shift+Tab");
    while (!(await focused()).startsWith("Services")) await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Services", level: 1 }).waitFor();
    expect(await page.evaluate("document.activeElement.id")).to.equal("main");
    await settled(page);
    // The search, which the address remembers.
    await page.keyboard.press("Tab");
    await page.keyboard.type("1");
    await page.getByText("1 of 3 services").waitFor();
    expect(page.url()).to.contain("text=1");
    // A column is sorted, a service compared.
    while (!(await focused()).startsWith("Stake")) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.locator("th[aria-sort=descending]").innerText()).to.contain("Stake");
    const box = 'document.activeElement.getAttribute("aria-label") === "Compare service 1"';
    while (!(await page.evaluate(box))) await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.getByRole("group", { name: "Comparison" }).waitFor();
    // Every stop can be seen.
    const outline = "getComputedStyle(document.activeElement).outlineStyle";
    await page.keyboard.press("Shift+Tab");
    expect(await page.evaluate(outline)).to.equal("solid");
    await page.context().close();
  });

  it("keep the chosen colours", async () => {
    const { page } = await openPage(browser, { colours: "light" });
    await page.goto(site.url);
    await page.getByLabel("Colours").selectOption("dark");
    const ground = "getComputedStyle(document.documentElement).backgroundColor";
    const dark = await page.evaluate(ground);
    await page.reload();
    await settled(page);
    expect(await page.evaluate(ground)).to.equal(dark);
    await page.getByLabel("Colours").selectOption("light");
    expect(await page.evaluate(ground)).not.to.equal(dark);
    await page.context().close();
  });

  it("are there soon", async () => {
    const { page } = await openPage(browser);
    await page.goto(site.url);
    await settled(page);
    const paint = await page.evaluate(
      'Math.round(performance.getEntriesByName("first-contentful-paint")[0].startTime)',
    );
    // How long it takes is the machine's affair; that it can be measured is the page's.
    expect(paint).to.be.a("number");
    console.log(`      first contentful paint: ${String(paint)} ms`);
    await page.context().close();
  });
});
