import { expect } from "chai";
import type { Page } from "playwright-core";
import { createWalletClient, http, parseEther, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { devKey } from "../../devnet/devnet.ts";
import { keyIndex } from "../../devnet/stage.ts";
import { AuditedChain } from "../support/auditedChain.ts";
import { consoleConfig } from "../../src/console/consoleConfig.ts";
import { startConsole, type ConsoleSite } from "../support/consoleRig.ts";
import { inBrowser } from "../support/inBrowser.ts";
import { ActPage } from "./support/actPage.ts";
import { TestWallet } from "./support/testWallet.ts";

const owner = devKey(keyIndex.owner);
const stranger = devKey(keyIndex.visitor);
const HOSTILE = '<img src=x onerror=alert(1)>\u202Etxt.exe "Wallet"';

describe("the states of an act", function () {
  this.timeout(300_000);
  let chain: AuditedChain;
  let wallet: TestWallet;
  let page: Page;
  let act: ActPage;
  let site: ConsoleSite;
  let described = 0;
  const request = (method: string, params: readonly unknown[] = []) =>
    (chain.client.request as (call: object) => Promise<unknown>)({ method, params });

  const browser = inBrowser(async ({ keep }) => {
    chain = keep(await AuditedChain.start({ services: [4_000], auditors: [10_000] }));
    await chain.fund(owner.address, 1_000);
    site = keep(await startConsole(chain.stage.devnet));
  });
  beforeEach(async () => {
    ({ page } = await browser.open());
    wallet = new TestWallet(owner.key, chain.stage.devnet.rpcUrl);
    await wallet.install(page);
    act = new ActPage(page, site.url);
  });
  afterEach(async () => {
    await request("evm_setAutomine", [true]);
  });

  const ready = async (id: string, values: Record<string, string>) => {
    await act.open(id, values);
    await act.press("Connect Test wallet");
    await act.press("Check and show the cost");
  };
  const change = () =>
    ready("metadata", { service: "1", metadata: `https://a.example/${(described += 1)}` });

  it("sends nothing when the wallet's user refuses, and can be sent again", async () => {
    await change();
    wallet.refusals.set("eth_sendTransaction", { code: 4001, message: "User rejected" });
    await act.press("Send the transaction");
    expect(await act.failure()).to.contain("WALLET_REJECTED");
    expect(await act.carryOut()).to.contain("Done");
    expect(wallet.sent).to.have.length(1);
  });

  it("does not send from a wallet on another chain, and switches it", async () => {
    wallet.chainId = 1;
    await change();
    await act.press("Send the transaction");
    expect(await act.failure()).to.contain("WALLET_OTHER_CHAIN");
    expect(wallet.asked).not.to.include("eth_sendTransaction");
    await act.press("Switch to chain 31337");
    expect(await act.carryOut()).to.contain("Done");
  });

  it("does not send from another account than the one whose cost was shown", async () => {
    await change();
    // A wallet that does not tell the page.
    wallet.key = stranger.key;
    await act.press("Send the transaction");
    expect(await act.failure()).to.contain("WALLET_OTHER_ACCOUNT");
    expect(wallet.sent).to.have.length(0);
  });

  it("begins anew when the wallet says that the account has changed", async () => {
    await change();
    await page.getByRole("button", { name: "Send the transaction" }).waitFor();
    await wallet.use(page, stranger.key);
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("RegistryNotOwner");
  });

  it("asks the wallet once, however often the button is pressed", async () => {
    await change();
    const hold = Promise.withResolvers<undefined>();
    wallet.send = async (call) => {
      await hold.promise;
      return direct(owner.key, call);
    };
    await page.getByRole("button", { name: "Send the transaction" }).dblclick();
    await page.getByText("Answer in the wallet").waitFor();
    hold.resolve(undefined);
    await page.getByText("Done", { exact: true }).waitFor();
    expect(wallet.asked.filter((method) => method === "eth_sendTransaction")).to.have.length(1);
  });

  it("does not send the same act again while it is in flight, even after the page was loaded again", async () => {
    const values = { service: "1", metadata: "https://a.example/twice" };
    await ready("metadata", values);
    await request("evm_setAutomine", [false]);
    await act.press("Send the transaction");
    await page.getByText("Sent, not mined yet").waitFor();
    await page.reload();
    await page.getByText("Open acts").waitFor();
    await ready("metadata", values);
    await act.press("Send the transaction");
    expect(await act.failure()).to.contain("ACT_PENDING");
    expect(wallet.sent).to.have.length(1);
    await request("evm_mine");
    await page.getByText("Open acts").waitFor({ state: "detached" });
  });

  it("is unsure about an act whose wallet never answered, until the user dismisses it", async () => {
    const values = { service: "1", metadata: "https://a.example/unsure" };
    await ready("metadata", values);
    const asked = Promise.withResolvers<undefined>();
    wallet.send = () => {
      asked.resolve(undefined);
      return new Promise(() => undefined);
    };
    await act.press("Send the transaction");
    await asked.promise;
    await page.reload();
    await ready("metadata", values);
    await act.press("Send the transaction");
    expect(await act.failure()).to.contain("ACT_UNSURE");
    await act.press("Dismiss");
    wallet.send = undefined;
    expect(await act.carryOut()).to.contain("Done");
  });

  it("says that another transaction took its place", async () => {
    await change();
    await request("evm_setAutomine", [false]);
    await act.press("Send the transaction");
    await page.getByText("Sent, not mined yet").waitFor();
    const { nonce } = await chain.client.getTransaction({ hash: wallet.sent[0]! });
    const fees = {
      maxFeePerGas: parseEther("0.00001"),
      maxPriorityFeePerGas: parseEther("0.000001"),
    };
    const account = privateKeyToAccount(owner.key);
    const client = createWalletClient({ account, transport: http(chain.stage.devnet.rpcUrl) });
    await client.sendTransaction({ to: owner.address, value: 0n, nonce, chain: null, ...fees });
    await request("evm_mine");
    const end = page.locator(".preview .notice-warning");
    await end.waitFor();
    expect(await end.innerText()).to.contain("Another transaction took its place");
  });

  it("shows the contract's error of a transaction that was mined and failed", async () => {
    await ready("maintenance", { service: "1", state: "on" });
    await request("evm_setAutomine", [false]);
    wallet.send = async (call) => {
      // The same act, sent from elsewhere a moment before.
      await direct(owner.key, call);
      return direct(owner.key, call);
    };
    await act.press("Send the transaction");
    await page.getByText("Sent, not mined yet").waitFor();
    await request("evm_mine");
    const end = page.locator(".preview .notice-error");
    await end.waitFor();
    expect(await end.innerText()).to.contain("RegistryMaintenanceUnchanged(1, true)");
  });

  it("names what the account lacks before the wallet is asked", async () => {
    await ready("stake", { service: "1", amount: "5000" });
    const failure = await act.failure();
    expect(failure).to.contain("BALANCE_TOO_LOW").and.to.contain("takes 5000 BLOC");
    expect(wallet.asked).not.to.include("eth_signTypedData_v4");
  });

  it("shows a wallet's hostile name as text", async () => {
    const other = await browser.open();
    const hostile = new TestWallet(owner.key, chain.stage.devnet.rpcUrl);
    await hostile.install(other.page, { name: HOSTILE, rdns: "javascript:alert(1)" });
    await new ActPage(other.page, site.url).open("stake");
    const shown = await other.page.getByRole("list", { name: "Wallets" }).innerText();
    expect(shown).to.contain("<img src=x onerror=alert(1)>").and.not.to.contain("\u202E");
    expect(await other.page.locator("main img").count()).to.equal(0);
    expect(other.complaints).to.deep.equal([]);
  });

  it("has a test wallet on the embedded chain only, and only if config.json says so", async () => {
    await act.open("stake");
    await act.press("Connect Test account 17");
    await chain.fund(stranger.address, 30);
    // It signs a permit and a transaction, as other wallets do.
    await act.open("deposit", { amount: "10" });
    expect(await act.carryOut()).to.contain("Done");
    const { cashier } = chain.contracts;
    const args = [stranger.address] as const;
    const [held] = await chain.client.readContract({ ...cashier, functionName: "accountOf", args });
    expect(held).to.equal(parseEther("10"));
    await act.press("Disconnect");
    const { devnet } = chain.stage;
    const config = consoleConfig(devnet.deployment, { hasIndex: false, isEmbedded: false });
    const strict = browser.keep(await startConsole(devnet, { config }));
    const other = await browser.open();
    await new ActPage(other.page, strict.url).open("stake");
    await other.page.getByText("No wallet").waitFor();
    expect(await other.page.getByText("Test account").count()).to.equal(0);
  });

  function direct(key: Hex, { to, data, gas }: { to: Hex; data: Hex; gas: Hex }): Promise<Hex> {
    const account = privateKeyToAccount(key);
    const client = createWalletClient({ account, transport: http(chain.stage.devnet.rpcUrl) });
    return client.sendTransaction({ to, data, gas: BigInt(gas), chain: null });
  }
});
