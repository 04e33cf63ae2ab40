import { expect } from "chai";
import { readFile } from "node:fs/promises";
import { bloc } from "../../console/src/format.ts";
import { sender } from "../../devnet/cast.ts";
import { abis } from "../../src/protocol/abis.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { startConsole, type ConsoleSite } from "../support/consoleRig.ts";
import { playStory, type ConsoleStory } from "../support/consoleStory.ts";
import { inBrowser, settled } from "../support/inBrowser.ts";
import { expectAccessible } from "./support/accessible.ts";

/** Every page from the chain alone, as people see it: light and dark, on a phone and on a desk. */
describe("the console's pages, in Chromium", function () {
  this.timeout(300_000);
  let story: ConsoleStory;
  let site: ConsoleSite;
  /** Paths and headings. */
  let pages: [string, string][];

  const browser = inBrowser(async ({ keep }) => {
    story = await playStory();
    keep(story.chain);
    site = keep(await startConsole(story.chain.stage.devnet));
    const auditor = story.chain.auditors[0]!.owner;
    pages = [
      ["#/", "Network"],
      ["#/services", "Services"],
      ["#/services/1", "Service #1"],
      ["#/services/3", "Service #3"],
      ["#/auditors", "Auditors"],
      [`#/auditors/${auditor}`, "Auditor"],
      [`#/auditors/${story.chain.auditors[2]!.owner}`, "Auditor"],
      ["#/money", "Money"],
      [`#/money/${story.payer.address}`, "Money"],
    ];
  });

  for (const width of [1440, 390]) {
    for (const colours of ["light", "dark"] as const) {
      it(`are whole, accessible and within the policy at ${width} pixels, ${colours}`, async () => {
        const { page, complaints } = await browser.open({ width, colours });
        for (const [at, heading] of pages) {
          await page.goto(site.url + at);
          await settled(page);
          expect(await page.locator("main h1").textContent(), at).to.contain(heading);
          await expectAccessible(page, at);
        }
        expect(complaints).to.deep.equal([]);
      });
    }
  }

  it("show what the chain says", async () => {
    const { page } = await browser.open();
    const text = async (at: string) => {
      await page.goto(site.url + at);
      await settled(page);
      return page.locator("main").innerText();
    };
    expect(await text("#/"))
      .to.match(/3 of 3 auditors committed/)
      .and.to.match(/2 of 3 auditors claimed/)
      .and.to.contain("the newest at the right: E excellent");
    const list = await text("#/services");
    expect(list)
      .to.contain("weather")
      .and.to.contain("by a relay")
      .and.to.contain("3 of 3 services")
      .and.to.contain("the newest at the right: E excellent");
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
    // 200 deposited, of which 9 are redeemed.
    expect(money)
      .to.match(/At the Cashier\s+191\.00/)
      .and.to.contain("9.000000");
    expect(await text("#/services/99")).to.contain("SERVICE_UNKNOWN");
  });

  it("count what an open round would pay, which is what its claim then pays", async () => {
    const { page } = await browser.open();
    // The third auditor has claimed nothing.
    const { owner } = story.chain.auditors[2]!;
    const epoch = story.last - 3;
    await page.goto(`${site.url}#/auditors/${owner}`);
    const row = page
      .getByRole("row")
      .filter({ has: page.getByText(String(epoch), { exact: true }) });
    await row.getByText("expected").first().waitFor();
    const shown = /([\d,]+\.\d\d) expected/.exec(await row.innerText());
    await story.chain.claim(epoch, 2);
    const claimed = await story.chain.client.getContractEvents({
      ...{ ...story.chain.contracts.proofOfService, eventName: "Claimed" },
      ...{ args: { auditor: owner, epoch }, fromBlock: 0n },
    });
    const reward = claimed.reduce((sum, { args }) => sum + (args.reward ?? 0n), 0n);
    expect(reward > 0n).to.equal(true);
    await row.getByText("claimed").waitFor();
    expect(await row.innerText()).not.to.contain("expected");
    expect(shown?.[1]).to.equal(bloc(reward));
  });

  it("have no votes and no pay for a round that is not revealed yet", async () => {
    const { page } = await browser.open();
    await page.goto(`${site.url}#/auditors/${story.chain.auditors[2]!.owner}`);
    const row = page.getByRole("row").filter({ hasText: "committed" }).first();
    await row.waitFor();
    expect(await row.innerText())
      .to.not.contain("0 of 0")
      .and.to.not.contain("0.00");
  });

  it("say when and why a score fell, and what the chain does not say", async () => {
    const { page } = await browser.open();
    await page.goto(`${site.url}#/services/3`);
    const card = page.locator(".fall");
    await card.waitFor();
    expect(await card.innerText())
      .to.match(/Fell in epoch \d+, from Excellent to Failed/)
      .and.to.contain("No auditor got a right answer")
      .and.to.contain("Not on chain")
      .and.to.contain("needs the index");
    await card.getByRole("button", { name: "Who voted what" }).click();
    await page.getByRole("region", { name: /^Votes of epoch/ }).waitFor();
  });

  it("lead to the act that they call for, with its form filled", async () => {
    const { page } = await browser.open();
    const { owner } = story.chain.auditors[0]!;
    for (const [at, link, act, fields] of [
      ["#/services/3", "Settle", "settle", { service: "3" }],
      ["#/services/1", "Collect", "collect-service", { service: "1" }],
      ["#/services/2", "Challenge it", "challenge", { service: "2" }],
      [`#/auditors/${owner}`, "Collect", "collect", { auditor: owner }],
      [`#/money/${story.payer.address}`, "Withdraw", "withdraw", { amount: "150" }],
    ] as const) {
      await page.goto(site.url + at);
      await page.getByRole("link", { name: link, exact: true }).click();
      await page.locator("form.act").waitFor();
      expect(page.url(), at).to.contain(`#/acts/${act}`);
      for (const [name, value] of Object.entries(fields)) {
        expect(await page.locator(`#act-${name}`).inputValue(), `${at} ${name}`).to.equal(value);
      }
    }
  });

  it("name who voted what, from the reveals' calldata", async () => {
    const { page } = await browser.open();
    await page.goto(`${site.url}#/services/2`);
    await page.getByRole("button", { name: `Show votes of epoch ${story.last - 3}` }).click();
    const votes = page.getByRole("region", { name: `Votes of epoch ${story.last - 3}` });
    await votes.locator("tbody tr").first().waitFor();
    expect(await votes.locator("tbody tr").count()).to.equal(3);
    expect(await votes.innerText()).to.match(/Good|Poor|Excellent/);
  });

  it("save the statement as CSV and JSON", async () => {
    const { page } = await browser.open();
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
  });

  it("can be used with the keyboard alone", async () => {
    const { page } = await browser.open();
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
  });

  it("say what they wait for while the endpoint is silent", async () => {
    const { page } = await browser.open({ width: 390 });
    let held = Promise.withResolvers<undefined>();
    await page.route("**/rpc", async (route) => {
      await held.promise;
      await route.continue();
    });
    await page.goto(site.url);
    await page.getByText("Reading the chain…").waitFor();
    await expectAccessible(page, "waiting for the chain");
    held.resolve(undefined);
    await settled(page);
    held = Promise.withResolvers();
    await page.evaluate("location.hash = '#/services/2'");
    await page.getByText("Reading…").waitFor();
    await expectAccessible(page, "waiting for a service");
    held.resolve(undefined);
    await settled(page);
    held = Promise.withResolvers();
    await page.evaluate(`location.hash = '#/auditors/${story.chain.auditors[0]!.owner}'`);
    // Its figures and its rounds.
    await page.getByText("Reading…").nth(1).waitFor();
    held.resolve(undefined);
    await settled(page);
  });

  it("keep the chosen colours", async () => {
    const { page } = await browser.open({ colours: "light" });
    await page.goto(site.url);
    await page.getByLabel("Colours").selectOption("dark");
    const ground = "getComputedStyle(document.documentElement).backgroundColor";
    const dark = await page.evaluate(ground);
    await page.reload();
    await settled(page);
    expect(await page.evaluate(ground)).to.equal(dark);
    await page.getByLabel("Colours").selectOption("light");
    expect(await page.evaluate(ground)).not.to.equal(dark);
  });

  it("open in a browser whose language is no language tag", async () => {
    const { page, complaints } = await browser.open();
    await page.addInitScript(
      'Object.defineProperty(Navigator.prototype, "language", { get: () => "en-US@posix" })',
    );
    await page.goto(site.url);
    await settled(page);
    expect(complaints).to.deep.equal([]);
  });

  it("count what users paid also when it was collected", async () => {
    const { page } = await browser.open();
    const text = async () => {
      await page.goto(site.url);
      await page.goto(`${site.url}#/services/1`);
      await settled(page);
      return page.locator("main").innerText();
    };
    const paid = /Paid by users\s+9\.00/;
    expect(await text()).to.match(paid);
    await sender(story.chain.stage, story.chain.owner(1).key).send({
      ...{ address: story.chain.deployment.contracts.cashier, abi: abis.cashier },
      ...{ functionName: "collect", args: [rootServiceId(1n)] },
    });
    await page.reload();
    expect(await text())
      .to.match(paid)
      .and.to.match(/To collect\s+0\.00/);
  });

  it("are there soon", async () => {
    const { page } = await browser.open();
    await page.goto(site.url);
    await settled(page);
    const paint = await page.evaluate(
      'Math.round(performance.getEntriesByName("first-contentful-paint")[0].startTime)',
    );
    // How long it takes is the machine's affair; that it can be measured is the page's.
    expect(paint).to.be.a("number");
    console.log(`      first contentful paint: ${String(paint)} ms`);
  });
});
