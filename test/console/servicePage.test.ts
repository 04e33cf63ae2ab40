import { expect } from "chai";
import type { Browser } from "playwright-core";
import {
  openBrowser,
  openPage,
  settled,
  startConsole,
  whyNoBrowser,
} from "../support/consoleRig.ts";
import { playStory, signedRecord, type ConsoleStory } from "../support/consoleStory.ts";

/** The page of a service, from the chain and a resolver. */
describe("the console's page of a service", function () {
  this.timeout(240_000);
  let story: ConsoleStory;
  let site: Awaited<ReturnType<typeof startConsole>>;
  let browser: Browser;

  before(async function () {
    const why = whyNoBrowser();
    if (why !== undefined) {
      console.log(`skipped: ${why}`);
      this.skip();
    }
    [story, browser] = await Promise.all([playStory(), openBrowser()]);
    site = await startConsole(story.chain.stage.devnet);
  });
  after(async () => {
    await browser?.close();
    await site?.stop();
    await story?.chain.stop();
  });

  it("says all that was announced at the time of a fall, and that it may not be all", async () => {
    const { page } = await openPage(browser);
    await page.goto(`${site.url}#/services/2`);
    const card = page.locator(".fall");
    await card.getByText("http://192.0.2.8:8080").waitFor();
    expect(await card.innerText())
      .to.contain("Announced then")
      .and.to.contain("sal://192.0.2.8:7370")
      .and.to.contain("may have named another endpoint");
    await page.context().close();
  });

  it("says until when the pay of a service can be settled", async () => {
    const { page } = await openPage(browser);
    await page.goto(`${site.url}#/services/3`);
    await settled(page);
    expect(await page.locator("main").innerText())
      .to.match(/That of epoch \d+ can be\s+settled until epoch \d+, which ends/)
      .and.to.contain("agent settles by itself");
    await page.context().close();
  });

  it("says that the service has moved since its announcement", async () => {
    const { chain } = story;
    const { page } = await openPage(browser);
    const note = page.getByText("Moved since the announcement");
    await page.goto(`${site.url}#/services/1`);
    await page.getByText("has checked the signature").waitFor();
    expect(await note.count()).to.equal(0);
    const record = await signedRecord(chain, 1, ["https://elsewhere.example/api"]);
    const data = JSON.stringify(JSON.stringify({ answer: { record, source: "network" } }));
    await page.addInitScript(
      `globalThis.EventSource = class {
        constructor() { setTimeout(() => this.onmessage({ data: ${data} }), 0); }
        close() {}
      };`,
    );
    await page.reload();
    await note.waitFor();
    expect(await page.locator("main").innerText()).to.contain("https://elsewhere.example/api");
    await page.context().close();
  });

  it("says who alone can stake", async () => {
    const { page } = await openPage(browser);
    await page.goto(`${site.url}#/services/3`);
    await settled(page);
    const { address } = story.chain.owner(3);
    const note = page.getByText(/^Only/).filter({ hasText: address.slice(0, 6) });
    expect(await note.innerText()).to.match(/can:\s+Stake\s+Unstake/);
    await page.context().close();
  });

  it("says how its sessions go, and why one is not direct", async () => {
    const { page } = await openPage(browser);
    const endpoint = "sal://relay.example:7370?relay";
    const session = { endpoint, path: "relay", whyRelayed: "No port was found.", flows: 1 };
    let sessions: object[] = [];
    await page.route("**/paths/**", (route) =>
      route.fulfill({ json: { sessions, moves: [] }, headers: { "cache-control": "no-store" } }),
    );
    await page.goto(`${site.url}#/services/2`);
    await page.getByText("opens one if it goes over the SAL").waitFor();
    sessions = [session];
    await page.reload();
    await page.getByText("Reached by a relay, with 1 open flow").waitFor();
    await page.getByText("Why not directly: No port was found.").waitFor();
    await page.context().close();
  });
});
