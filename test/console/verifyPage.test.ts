import { expect } from "chai";
import { httpRpc } from "../../console/src/verify/rpc.ts";
import { FIRST, type AuditedChain } from "../support/auditedChain.ts";
import { startConsole } from "../support/consoleRig.ts";
import { inBrowser } from "../support/inBrowser.ts";
import { alteringVote } from "./support/lies.ts";
import { serveRpc } from "./support/rpcServer.ts";
import { COUNTED, playEpochs } from "./support/verifiedChain.ts";

/** The page of the console that recounts, with its thread, as the server serves it. */
describe("the console's page Verify", function () {
  this.timeout(300_000);
  let chain: AuditedChain;

  const browser = inBrowser(async ({ keep }) => {
    chain = keep(await playEpochs());
  });

  const open = async (rpcUrl: string, epoch: number) => {
    const { deployment } = chain.stage.devnet;
    const site = browser.keep(await startConsole({ rpcUrl, deployment }));
    const watched = await browser.open();
    await watched.page.goto(`${site.url}#/verify/${epoch}`);
    await watched.page.getByRole("button", { name: "Recount" }).waitFor();
    return watched;
  };

  it("recounts by the keyboard, and shows verdicts, draws and pay", async () => {
    const { page, complaints } = await open(chain.stage.devnet.rpcUrl, COUNTED);
    await page.getByRole("textbox", { name: /^Epoch/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByText(`Epoch ${COUNTED}: the contracts agree with the recount`).waitFor();
    const services = await page
      .getByRole("table", { name: "Verdicts and pay of services" })
      .innerText();
    expect(services).to.contain("Excellent").and.to.contain("Good");
    expect(await page.getByRole("table", { name: /^Draws/ }).innerText()).to.contain(
      "0 with weight ",
    );
    expect(complaints).to.deep.equal([]);
  });

  it("names the figure that differs, when the node alters a vote", async () => {
    const { signal } = new AbortController();
    const altering = alteringVote(httpRpc(chain.stage.devnet.rpcUrl, signal), FIRST);
    const liar = browser.keep(await serveRpc(altering));
    const { page } = await open(liar.url, FIRST);
    await page.getByRole("button", { name: "Recount" }).click();
    const table = page.getByRole("table", { name: "Figures that differ" });
    await table.waitFor();
    const [, first] = await table.getByRole("row").allInnerTexts();
    expect(first).to.contain("commitment").and.to.contain(String(FIRST));
  });

  it("can be cancelled, and says what cannot be recounted", async () => {
    const held = Promise.withResolvers<undefined>();
    const { signal } = new AbortController();
    const honest = httpRpc(chain.stage.devnet.rpcUrl, signal);
    const slow = browser.keep(
      await serveRpc(async (method, params) => {
        if (method === "eth_getLogs") await held.promise;
        return honest(method, params);
      }),
    );
    const { page } = await open(slow.url, FIRST);
    await page.getByRole("button", { name: "Recount" }).click();
    await page.getByText("counts stakes, slots and enrolments").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("VERIFY_CANCELLED").waitFor();
    held.resolve(undefined);
    await page.getByRole("textbox", { name: /^Epoch/ }).fill("one");
    await page.getByRole("button", { name: "Recount" }).click();
    await page.getByText("EPOCH_NOT_FINAL").waitFor();
  });
});
