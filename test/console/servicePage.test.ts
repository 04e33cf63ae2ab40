import { expect } from "chai";
import { startConsole, type ConsoleSite } from "../support/consoleRig.ts";
import { playStory, signedRecord, type ConsoleStory } from "../support/consoleStory.ts";
import { inBrowser, settled } from "../support/inBrowser.ts";

/** The page of a service, from the chain and a resolver. */
describe("the console's page of a service", function () {
  this.timeout(300_000);
  let story: ConsoleStory;
  let site: ConsoleSite;

  const browser = inBrowser(async ({ keep }) => {
    story = await playStory();
    keep(story.chain);
    site = keep(await startConsole(story.chain.stage.devnet));
  });

  it("says all that was announced at the time of a fall, and that it may not be all", async () => {
    const { page } = await browser.open();
    await page.goto(`${site.url}#/services/2`);
    const card = page.locator(".fall");
    await card.getByText("http://192.0.2.8:8080").waitFor();
    expect(await card.innerText())
      .to.contain("Announced then")
      .and.to.contain("sal://192.0.2.8:7370")
      .and.to.contain("may have named another endpoint");
  });

  it("says until when the pay of a service can be settled", async () => {
    const { page } = await browser.open();
    await page.goto(`${site.url}#/services/3`);
    await settled(page);
    expect(await page.locator("main").innerText())
      .to.match(/That of epoch \d+ can be\s+settled until epoch \d+, which ends/)
      .and.to.contain("agent settles by itself");
  });

  it("says that the service has moved since its announcement", async () => {
    const { chain } = story;
    const { page } = await browser.open();
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
  });

  it("says who alone can stake", async () => {
    const { page } = await browser.open();
    await page.goto(`${site.url}#/services/3`);
    await settled(page);
    const { address } = story.chain.owner(3);
    const note = page.getByText(/^Only/).filter({ hasText: address.slice(0, 6) });
    expect(await note.innerText()).to.match(/can:\s+Stake\s+Unstake/);
  });

  it("says how its sessions go, and why one is not direct", async () => {
    const { page } = await browser.open();
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
  });
});
