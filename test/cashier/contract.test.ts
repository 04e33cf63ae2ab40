import { expect } from "chai";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { erc20Abi, type Address, type Hex } from "viem";
import { sender } from "../../devnet/cast.ts";
import { devKey } from "../../devnet/devnet.ts";
import { keyIndex } from "../../devnet/stage.ts";
import { CollectorReads } from "../../src/cashier/collector/chain.ts";
import { Collector, type CollectorOptions } from "../../src/cashier/collector/collector.ts";
import { Redeemer } from "../../src/cashier/collector/redeemer.ts";
import { CollectorStore, openCollectorStore } from "../../src/cashier/collector/store.ts";
import { openWallet } from "../../src/cashier/payer/openWallet.ts";
import { WalletStore } from "../../src/cashier/payer/store.ts";
import { Wallet, type WalletOptions } from "../../src/cashier/payer/wallet.ts";
import type { CollectorTab, PayerTab } from "../../src/cashier/tabs.ts";
import { cashierCalls } from "../../src/chain/cashier/calls.ts";
import { permittedDeposit } from "../../src/chain/cashier/deposits.ts";
import type { ChainTime, Head } from "../../src/chain/clock.ts";
import type { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { systemScheduler } from "../../src/node/scheduler.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  feeOf,
  signTab,
  type CashierDomain,
} from "../../src/protocol/voucher.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { expectCode } from "../support/expectCode.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { rejection } from "../support/rejection.ts";
import { PRICE, TRANCHE } from "./rig/payRig.ts";

const DEPOSIT = 2_000n * TRANCHE;
const payerKey = devKey(keyIndex.auditor + 1);
/** Contracts that answer every call with ERC-1271's yes, with a zero, and never. */
const CODES: Record<"yes" | "no" | "never", Hex> = {
  yes: "0x631626ba7e60e01b60005260206000f3",
  no: "0x60206000f3",
  never: "0x5b600056",
};

/** One chain, on which each test goes on where the one before ended. */
describe("payer and collector on the contract", function () {
  this.timeout(120_000);
  let chain: AuditedChain;
  let collecting: TransactionSender;
  let paying: TransactionSender;
  let domain: CashierDomain;
  let head: Head;
  const log = new MemoryLog();
  const stops: (() => Promise<void>)[] = [];

  before(async () => {
    chain = await AuditedChain.start({ services: [4_000], auditors: [10_000] });
    const { chainId, contracts } = chain.deployment;
    domain = cashierDomain(BigInt(chainId), contracts.cashier);
    collecting = sender(chain.stage, chain.serviceKey(1).key);
    paying = sender(chain.stage, payerKey.key);
    await chain.fund(payerKey.address, 1_000);
    const funds = { key: payerKey.key, amount: DEPOSIT };
    await paying.send(await permittedDeposit(chain.client, chain.deployment, funds));
    await look();
  });
  after(async () => {
    for (const stop of stops) await stop();
    await chain.stop();
  });

  const look = async () => {
    const { number, hash, timestamp } = await chain.client.getBlock();
    head = { number, hash, timestamp: Number(timestamp) };
  };
  const time = (): ChainTime => ({
    timing: { genesis: chain.deployment.genesis, epochSeconds: chain.deployment.epochSeconds },
    now: () => head.timestamp,
    head: () => head,
    until: () => Promise.resolve(),
    reached: () => Promise.resolve(),
  });
  const collect = (
    options: Partial<CollectorOptions> = {},
    store = new CollectorStore(":memory:"),
  ) => {
    const { client, deployment } = chain;
    const reads = new CollectorReads(client, deployment);
    const shared = { deployment, chain: reads, sender: collecting, time: time(), log };
    const parts = { ...shared, timers: systemTimers, clock: systemScheduler };
    const collector = new Collector({ number: 1n, price: PRICE, ...options }, { ...parts, store });
    // The embedded chain's gas costs some gwei: one BLOC is worth a hundred ether here.
    const redeemer = new Redeemer(
      { blocPriceWei: 10n ** 20n, everyMs: 1_000 },
      { ...parts, collector },
    );
    stops.push(() => collector.stop());
    return { collector, redeemer, reads, store };
  };
  const pay = (options: Partial<WalletOptions> = {}) => {
    const { client, deployment } = chain;
    const reads = new CollectorReads(client, deployment);
    const parts = { store: new WalletStore(":memory:"), chain: reads, time: time(), log };
    const wishes = { tabLimit: 200n * TRANCHE, ...options };
    return new Wallet({ domain, key: hexToBytes(payerKey.key), ...wishes }, parts);
  };
  const open = ({ collector }: ReturnType<typeof collect>, tab: PayerTab) => {
    const { authorization, signature, salt } = tab;
    return collector.open({ authorization, signature, salt });
  };
  const begin = async (side: ReturnType<typeof collect>, wallet = pay(), minGrade = 0) => {
    const ours = await wallet.tabFor(side.collector.quote(), { minGrade });
    return [ours, await open(side, ours)] as [PayerTab, CollectorTab];
  };
  const balance = (account: Address) =>
    chain.client.readContract({
      address: chain.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [account],
    });
  const setCode = (address: Address, code: Hex) => {
    const request = chain.client.request as (call: object) => Promise<unknown>;
    return request({ method: "hardhat_setCode", params: [address, code] });
  };

  it("the contract pays what the collector claims, to the service's payout address", async () => {
    const side = collect();
    const [ours, theirs] = await begin(side);
    const payout = chain.owner(1).address;
    const before = await balance(payout);
    for (let part = 1n; part <= 40n; part++) await theirs.credit(await ours.pay(part * TRANCHE));
    expect((await side.reads.tabOf(ours.authorization)).state).to.equal("Open");
    await look();
    await side.redeemer.round();
    expect(log.said("warn")).to.deep.equal([]);
    expect((await side.reads.tabOf(ours.authorization)).redeemed).to.equal(40n * TRANCHE);
    const earned = 40n * TRANCHE;
    expect((await balance(payout)) - before).to.equal(earned - feeOf(earned));
    const { free, reserved } = await side.reads.accountOf(payerKey.address);
    expect([free, reserved]).to.deep.equal([DEPOSIT - 200n * TRANCHE, 200n * TRANCHE]);
  });

  it("a collector that crashed between transaction and receipt goes on where the chain is", async () => {
    const side = collect();
    const [ours, theirs] = await begin(side);
    await theirs.credit(await ours.pay(20n * TRANCHE));
    // The process ends; another one begins with its disk, and does the same again.
    const again = collect({}, side.store);
    const found = again.collector.find(payerKey.address, ours.tab)!;
    expect(found.paid).to.equal(20n * TRANCHE);
    await look();
    await side.redeemer.round();
    await again.redeemer.round();
    await found.credit(await ours.pay(30n * TRANCHE));
    await again.redeemer.round();
    expect((await again.reads.tabOf(ours.authorization)).redeemed).to.equal(30n * TRANCHE);
  });

  it("an account whose EIP-7702 code says no still pays with its key; others' signatures count by its code", async () => {
    const side = collect();
    const other = devKey(keyIndex.auditor + 2);
    const wallet = pay({ key: hexToBytes(other.key), payer: payerKey.address });
    // A wallet with a foreign key asks for its session first.
    await rejection("CASHIER_FUNDS", wallet.tabFor(side.collector.quote()));
    const opening = async () => {
      const quote = side.collector.quote();
      const ours = await pay().tabFor(quote);
      const { authorization, salt } = ours;
      const signature = signTab(cashierSeparator(domain), authorization, hexToBytes(other.key));
      return { authorization, salt, signature };
    };
    for (const answer of ["no", "never"] as const) {
      await setCode(payerKey.address, CODES[answer]);
      await rejection("CASHIER_AUTHORIZATION", side.collector.open(await opening()));
      const [mine, theirs] = await begin(side);
      await theirs.credit(await mine.pay(17n * TRANCHE));
      expect((await side.reads.tabOf(mine.authorization)).state, answer).to.equal("Open");
    }
    await setCode(payerKey.address, CODES.yes);
    const accepted = await side.collector.open(await opening());
    await side.collector.opener.open(accepted);
    await setCode(payerKey.address, "0x");
    await look();
    await side.redeemer.round();
    expect(log.said("error")).to.deep.equal([]);
  });

  it("a session key opens tabs within its limit until it is revoked; an open tab goes on", async () => {
    const session = devKey(keyIndex.auditor + 3);
    const signer = addressOfKey(session.key);
    const terms = { signer, limit: 250n * TRANCHE, expiresAt: 2 ** 40 - 1 };
    await paying.send(cashierCalls(chain.deployment).authorizeSigner(terms));
    const side = collect();
    const wallet = () => pay({ key: hexToBytes(session.key), payer: payerKey.address });
    const [ours, theirs] = await begin(side, wallet());
    await theirs.credit(await ours.pay(17n * TRANCHE));
    await paying.send(cashierCalls(chain.deployment).revokeSigner(signer));
    await rejection("CASHIER_FUNDS", wallet().tabFor(side.collector.quote()));
    await theirs.credit(await ours.pay(30n * TRANCHE));
    await look();
    await side.redeemer.round();
    expect((await side.reads.tabOf(ours.authorization)).redeemed).to.equal(30n * TRANCHE);
  });

  it("a payer that withdraws before its tab is opened costs at most the exposure limit", async () => {
    const side = collect({ exposure: { payer: 4n * TRANCHE, total: 100n * TRANCHE } });
    const [ours, theirs] = await begin(side);
    await theirs.credit(await ours.pay(2n * TRANCHE));
    const { free } = await side.reads.accountOf(payerKey.address);
    await paying.send(cashierCalls(chain.deployment).withdraw(free));
    await rejection("CASHIER_FUNDS", theirs.credit(await ours.pay(5n * TRANCHE)));
    expect(theirs.paid).to.equal(2n * TRANCHE);
    await rejection("CASHIER_FUNDS", pay().tabFor(side.collector.quote()));
    const funds = { key: payerKey.key, amount: free };
    await paying.send(await permittedDeposit(chain.client, chain.deployment, funds));
  });

  it("an announced closing ends the tab for its users, and is redeemed in time", async () => {
    const side = collect();
    const [ours, theirs] = await begin(side);
    await theirs.credit(await ours.pay(17n * TRANCHE));
    const heard: string[] = [];
    theirs.onEnd((error) => heard.push((error as Error & { code: string }).code));
    await paying.send(cashierCalls(chain.deployment).announceClosing(ours.authorization));
    await look();
    await side.redeemer.round();
    expect(heard).to.deep.equal(["CASHIER_TAB_CLOSING"]);
    // Redeemed, and closed by the collector at once, because nothing is owed.
    expect((await side.reads.tabOf(ours.authorization)).state).to.equal("Closed");
  });

  it("a graded voucher is paid when its verdicts are final, and not above the grade that was reached", async () => {
    const epoch = FIRST + 1;
    await chain.play(FIRST, FIRST, { 1: 2 });
    await chain.enter(epoch);
    await chain.reveal(FIRST, 0);
    await chain.commit(epoch, 0, { 1: 2 });
    await look();
    const side = collect({ highestGrade: 3, gradedCap: 100n * TRANCHE });
    const [good, goodTab] = await begin(side, pay(), 2);
    const excellent = await pay().tabFor(side.collector.quote(), { minGrade: 3 });
    const excellentTab = await open(side, excellent);
    await goodTab.credit(await good.pay(20n * TRANCHE));
    await rejection("CASHIER_GRADE", excellentTab.credit(await excellent.pay(20n * TRANCHE)));
    await side.redeemer.round();
    expect((await side.reads.tabOf(good.authorization)).redeemed).to.equal(0n);
    for (let next = epoch + 1; next <= epoch + 3; next++) {
      await chain.enter(next);
      if (next === epoch + 1) await chain.reveal(epoch, 0);
      await look();
      await side.redeemer.round();
    }
    expect((await side.reads.tabOf(good.authorization)).redeemed).to.equal(20n * TRANCHE);
  });

  it("both sides lock their folders: a second process is refused", async () => {
    const stateDir = await mkdtemp(path.join(tmpdir(), "cashier-"));
    const { client, deployment } = chain;
    const shared = { client, time: time(), log };
    const wallet = { stateDir, deployment, key: hexToBytes(payerKey.key) };
    const opened = openWallet(wallet, shared);
    expectCode("CASHIER_WALLET", () => openWallet(wallet, shared));
    const books = openCollectorStore(stateDir, deployment, 1n);
    expectCode("WORKER_RUNNING", () => openCollectorStore(stateDir, deployment, 1n));
    const side = collect({}, books);
    const [ours, theirs] = await begin(side, opened.wallet);
    await theirs.credit(await ours.pay(TRANCHE));
    opened.close();
    await side.collector.stop();
    books.close();
    const reopenedBooks = openCollectorStore(stateDir, deployment, 1n);
    const again = collect({}, reopenedBooks);
    expect(again.collector.find(payerKey.address, ours.tab)?.paid).to.equal(TRANCHE);
    {
      using reopened = openWallet(wallet, shared);
      const known = await reopened.wallet.tabFor(again.collector.quote());
      expect(known.cumulative).to.equal(TRANCHE);
    }
    await again.collector.stop();
    reopenedBooks.close();
    await rm(stateDir, { recursive: true });
  });
});
