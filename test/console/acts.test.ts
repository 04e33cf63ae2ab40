import { expect } from "chai";
import { parseEther } from "viem";
import { devKey } from "../../devnet/devnet.ts";
import { keyIndex } from "../../devnet/stage.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { startConsole } from "../support/consoleRig.ts";
import { payService } from "../support/consoleStory.ts";
import { inBrowser } from "../support/inBrowser.ts";
import { ActPage } from "./support/actPage.ts";
import { TestWallet } from "./support/testWallet.ts";

const visitor = devKey(keyIndex.visitor);
const bloc = (amount: number) => parseEther(amount.toString());

/** One chain and one page, on which each test goes on where the one before ended. */
describe("the console's acts, by the keyboard", function () {
  this.timeout(300_000);
  let chain: AuditedChain;
  let wallet: TestWallet;
  let act: ActPage;
  let complaints: string[];

  inBrowser(async ({ keep, open }) => {
    chain = keep(
      await AuditedChain.start({ services: [4_000, 3_000], auditors: [10_000, 11_000] }),
    );
    await chain.fund(visitor.address, 20_000);
    const { devnet } = chain.stage;
    const site = keep(await startConsole(devnet));
    const watched = await open();
    ({ complaints } = watched);
    wallet = new TestWallet(visitor.key, devnet.rpcUrl);
    await wallet.install(watched.page);
    act = new ActPage(watched.page, site.url);
  });

  const staked = async (number: bigint) => {
    const epoch = (await chain.moment()).epoch + 2;
    const args = [number, epoch] as const;
    const [stake] = await chain.client.readContract({
      ...chain.contracts.staking,
      functionName: "serviceStakeAt",
      args,
    });
    return stake;
  };

  it("connects a wallet, and registers a service in one transaction with a permit", async () => {
    await act.open("register");
    await act.press("Connect Test wallet");
    await act.type("Address of the service key", devKey(keyIndex.service + 2).address);
    expect(await act.carryOut()).to.contain("Service 3 is registered.");
    expect(wallet.asked).to.include("eth_signTypedData_v4");
    expect(wallet.sent).to.have.length(1);
    expect(await staked(3n)).to.equal(bloc(1_000));
  });

  it("stakes and unstakes", async () => {
    await act.open("stake", { service: "3" });
    await act.type("Amount, BLOC", "500");
    expect(await act.carryOut()).to.contain("Done");
    expect(await staked(3n)).to.equal(bloc(1_500));
    await act.open("unstake", { service: "3", amount: "200" });
    expect(await act.carryOut()).to.contain("Done");
    expect(await staked(3n)).to.equal(bloc(1_300));
    expect(wallet.sent).to.have.length(3);
  });

  it("replaces key, probe, description and payout, and is told by the form what it cannot do", async () => {
    const key = devKey(keyIndex.service + 3).address;
    await act.open("key", { service: "3", key });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("key", { service: "3", key });
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("ALREADY_SO");
    await act.open("probe", { service: "3", probe: '{"v":1,"requests":[{"path":"/health"}]}' });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("probe", { service: "3", probe: '{"v":1}' });
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("FIELD_INVALID");
    await act.open("metadata", { service: "3", metadata: "https://weather.example/about" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("payout", { service: "3", payout: devKey(30).address });
    expect(await act.carryOut()).to.contain("Done");
    const { registry } = chain.contracts;
    const payout = await chain.client.readContract({
      ...registry,
      functionName: "payoutOf",
      args: [3n],
    });
    expect(payout).to.equal(devKey(30).address);
  });

  it("begins and ends maintenance, and shows the contract's own error with its remedy", async () => {
    await act.open("maintenance", { service: "3", state: "off" });
    await act.press("Check and show the cost");
    const refused = await act.failure();
    expect(refused).to.contain("RegistryMaintenanceUnchanged(3, false)");
    expect(refused).to.contain("There is nothing to do: the service is in this state already.");
    await act.open("maintenance", { service: "3", state: "on" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("maintenance", { service: "3", state: "off" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("reinstate", { service: "1" });
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("RegistryNotOwner");
  });

  it("takes a label in two transactions, with a secret that the browser keeps", async () => {
    await chain.enter(FIRST);
    const values = { service: "3", label: "harbour" };
    await act.open("label", values);
    expect(await act.carryOut()).to.contain("Done");
    await chain.driver.jump(FIRST, 0.1);
    await act.open("label", values);
    expect(await act.carryOut()).to.contain("Done");
    const { labels } = chain.contracts;
    const held = await chain.client.readContract({
      ...labels,
      functionName: "labelOf",
      args: [3n],
    });
    expect(held).to.equal("harbour");
    await act.open("label", values);
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("LABEL_TAKEN");
  });

  it("stakes as an auditor, deposits and withdraws", async () => {
    await act.open("stake-auditor", { amount: "5000" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("unstake-auditor", { amount: "5000" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("deposit", { amount: "10" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("withdraw", { amount: "40" });
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("CashierNotFree");
    await act.open("withdraw", { amount: "4" });
    expect(await act.carryOut()).to.contain("Done");
    const { cashier } = chain.contracts;
    const args = [visitor.address] as const;
    const [, , free] = await chain.client.readContract({
      ...cashier,
      functionName: "accountOf",
      args,
    });
    expect(free).to.equal(bloc(6));
    await act.open("collect-service", { service: "3" });
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("CashierNothingEarned");
  });

  it("challenges, resolves without an answer, and reinstates what was suspended", async () => {
    await act.open("challenge", { service: "3" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("resolve", { service: "3" });
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("ChallengeNoQuestion");
    await chain.enter(FIRST + 1);
    await chain.driver.jump(FIRST + 1, 0.5);
    await act.open("resolve", { service: "3" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("reinstate", { service: "3" });
    expect(await act.carryOut()).to.contain("Done");
  });

  it("claims a round that needs no receipt, collects its pay, and settles a service", async () => {
    const first = FIRST + 3;
    for (let epoch = first; epoch <= first + 2; epoch++) {
      await chain.enter(epoch);
      if (epoch > first) for (const auditor of [0, 1]) await chain.reveal(epoch - 1, auditor);
      await chain.commit(epoch, 0, { 1: 0, 2: 0 });
      await chain.commit(epoch, 1, { 1: 0, 2: 3 });
    }
    const [one, other] = chain.auditors.map(({ owner }) => owner) as [string, string];
    await act.open("claim", { epoch: String(first), auditor: other });
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("CLAIM_NEEDS_RECEIPTS");
    await act.open("claim", { epoch: String(first), auditor: one });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("collect", { auditor: one });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("settle", { service: "1", upTo: String(first + 2) });
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("SettlementNotFinal");
    await act.open("settle", { service: "1" });
    // It failed in each epoch: the transaction succeeds and pays nothing.
    expect(await act.carryOut()).to.contain("Nothing was paid");
    expect(await act.page.getByText("the payout address receives").count()).to.equal(0);
  });

  it("collects what a user paid to a service, for anyone", async () => {
    await payService(chain);
    await act.open("collect-service", { service: "1" });
    expect(await act.carryOut()).to.contain("Done");
    const { cashier } = chain.contracts;
    const args = [rootServiceId(1n)] as const;
    const [left] = await chain.client.readContract({
      ...cashier,
      functionName: "collectableOf",
      args,
    });
    expect(left).to.equal(0n);
  });

  it("withdraws what has unbonded, transfers and retires", async () => {
    await act.open("withdraw-auditor-stake");
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("NOTHING_MATURED");
    await chain.driver.jump(FIRST + 20, 0);
    await act.open("withdraw-auditor-stake");
    expect(await act.carryOut()).to.contain("Done");
    await act.open("withdraw-service-stake", { service: "3" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("retire", { service: "3", again: "2" });
    await act.press("Check and show the cost");
    expect(await act.failure()).to.contain("NOT_CONFIRMED");
    await act.open("retire", { service: "3", again: "3" });
    expect(await act.carryOut()).to.contain("Done");
    await act.open("transfer", { service: "3", to: chain.owner(1).address });
    expect(await act.carryOut()).to.contain("Done");
    const { registry } = chain.contracts;
    const owner = await chain.client.readContract({
      ...registry,
      functionName: "ownerOf",
      args: [3n],
    });
    expect(owner).to.equal(chain.owner(1).address);
  });

  it("has nothing in flight at the end, and no complaint of the page's policy", async () => {
    await act.open("stake");
    expect(await act.page.getByText("Open acts").count()).to.equal(0);
    expect(complaints).to.deep.equal([]);
  });
});
