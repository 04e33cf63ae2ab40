import { expect } from "chai";
import { erc20Abi, keccak256, numberToHex, parseEther, stringToHex, zeroAddress } from "viem";
import { sender } from "../../devnet/cast.ts";
import { devKey } from "../../devnet/devnet.ts";
import { keyIndex } from "../../devnet/stage.ts";
import { cashierCalls } from "../../src/chain/cashier/calls.ts";
import { Cashier } from "../../src/chain/cashier/cashier.ts";
import {
  authorizedDeposit,
  depositForCall,
  permittedDeposit,
} from "../../src/chain/cashier/deposits.ts";
import { readCashierEvents, type CashierFilter } from "../../src/chain/cashier/events.ts";
import type { ChainClient } from "../../src/chain/client.ts";
import type { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import {
  cashierDomain,
  cashierSeparator,
  feeOf,
  NOTICE_S,
  signTab,
  signVoucher,
  tabOf,
} from "../../src/protocol/voucher.ts";
import { AuditedChain } from "../support/auditedChain.ts";
import { codeOf, failureOf } from "../support/failure.ts";
import { DEPLOYMENT, encodeLog, type FakeLog } from "../support/fakeChain.ts";

const bloc = (text: string) => parseEther(text);
const service = rootServiceId(1n);
const payer = devKey(keyIndex.auditor);
const session = devKey(keyIndex.auditor + 1);
const salt = (name: string) => keccak256(stringToHex(name));

/** One chain, on which each test goes on where the one before ended. */
describe("the Cashier's reads, transactions and events", function () {
  this.timeout(120_000);
  let chain: AuditedChain;
  let cashier: Cashier;
  let calls: ReturnType<typeof cashierCalls>;
  let separator: Uint8Array;
  let paying: TransactionSender;
  let collecting: TransactionSender;

  before(async () => {
    chain = await AuditedChain.start({ services: [4_000], auditors: [] });
    const { client, deployment } = chain;
    cashier = new Cashier(client, deployment);
    calls = cashierCalls(deployment);
    separator = cashierSeparator(
      cashierDomain(BigInt(deployment.chainId), deployment.contracts.cashier),
    );
    paying = sender(chain.stage, payer.key);
    collecting = sender(chain.stage, chain.owner(1).key);
    await chain.fund(payer.address, 1_000);
  });
  after(() => chain.stop());

  const events = async (filter: CashierFilter = {}) => {
    const { client, deployment } = chain;
    const range = { from: BigInt(deployment.block), to: await client.getBlockNumber() };
    const found = [];
    for await (const { value } of readCashierEvents(client, deployment, range, filter)) {
      found.push(...value);
    }
    return found;
  };
  const authorization = async (name: string, limit: bigint, signer = payer) => {
    const { timestamp } = await chain.moment();
    const terms = {
      payer: payer.address,
      service,
      tab: tabOf(collecting.address, salt(name)),
      signer: signer.address,
      limit,
      openBy: timestamp + 3_600,
      expiresAt: timestamp + 86_400,
    };
    const signature = signTab(separator, terms, hexToBytes(signer.key));
    return { authorization: terms, salt: salt(name), signature };
  };
  const voucher = (name: string, cumulative: bigint, over: { minGrade?: number } = {}) =>
    signVoucher(
      separator,
      {
        payer: payer.address,
        service,
        tab: tabOf(collecting.address, salt(name)),
        cumulative,
        base: 0n,
        minGrade: 0,
        epoch: 0,
        ...over,
      },
      salt(name),
      hexToBytes(payer.key),
    );
  const tab = (name: string) => ({
    payer: payer.address,
    service,
    tab: tabOf(collecting.address, salt(name)),
  });

  it("deposits by a permit, by an allowance, by an authorization that a stranger sends, and for another", async () => {
    const { client, deployment } = chain;
    const { token, cashier: spender } = deployment.contracts;
    const byPermit = await permittedDeposit(client, deployment, {
      key: payer.key,
      amount: bloc("100"),
    });
    expect(byPermit.functionName).to.equal("depositWithPermit");
    await paying.send(byPermit);

    const args = [spender, bloc("40")];
    await paying.send({ address: token, abi: erc20Abi, functionName: "approve", args });
    const byAllowance = await permittedDeposit(client, deployment, {
      key: payer.key,
      amount: bloc("20"),
    });
    expect(byAllowance.functionName).to.equal("deposit");
    await paying.send(byAllowance);
    await paying.send(depositForCall(deployment, session.address, bloc("20")));

    const nonce = salt("deposit");
    const signed = await authorizedDeposit(client, deployment, {
      key: payer.key,
      amount: bloc("30"),
      nonce,
    });
    await chain.stranger.send(signed);
    expect(codeOf(await failureOf(chain.stranger.send(signed))), "used already").to.equal(
      "CALL_REVERTED",
    );
    const free = bloc("150");
    expect(await cashier.accountOf(payer.address)).to.deep.equal({
      balance: free,
      reserved: 0n,
      free,
    });
    expect((await cashier.accountOf(session.address)).free).to.equal(bloc("20"));
  });

  it("opens tabs, one of them by a session signer, whose limit it charges", async () => {
    await collecting.send(calls.openTab(await authorization("a", bloc("50"))));
    expect(await cashier.tabOf(tab("a"))).to.include({
      state: "Open",
      signer: payer.address,
      limit: bloc("50"),
      redeemed: 0n,
    });
    expect((await cashier.tabOf(tab("never"))).state).to.equal("None");

    const { timestamp } = await chain.moment();
    const expiresAt = timestamp + 86_400;
    await paying.send(
      calls.authorizeSigner({ signer: session.address, limit: bloc("15"), expiresAt }),
    );
    await collecting.send(calls.openTab(await authorization("b", bloc("10"), session)));
    expect(await cashier.signerOf(payer.address, session.address)).to.deep.equal({
      left: bloc("5"),
      expiresAt,
    });
    await paying.send(calls.revokeSigner(session.address));
    expect((await cashier.signerOf(payer.address, session.address)).left).to.equal(0n);
    expect(await cashier.accountOf(payer.address)).to.deep.equal({
      balance: bloc("150"),
      reserved: bloc("60"),
      free: bloc("90"),
    });
  });

  it("says what a redemption would pay or why it is refused, redeems, collects and forwards the fee", async () => {
    const first = voucher("a", bloc("3"));
    expect(await cashier.redeemable(first, collecting.address)).to.deep.equal({
      amount: bloc("3"),
    });
    const foreign = await cashier.redeemable(first, payer.address);
    expect(foreign.amount).to.equal(0n);
    expect(foreign.refusal?.name).to.equal("CashierNotCollector");
    const graded = voucher("a", bloc("9"), { minGrade: 3 });
    expect((await cashier.redeemable(graded, collecting.address)).refusal?.name).to.equal(
      "CashierNotDue",
    );
    expect(await cashier.gradeOf(service, 0)).to.equal(undefined);

    await collecting.send(calls.redeem(first));
    await collecting.send(calls.redeemBatch([graded, voucher("a", bloc("7"))]));
    const opening = await authorization("c", bloc("4"));
    await collecting.send(calls.openAndRedeem(opening, voucher("c", bloc("1"))));
    const earned = bloc("8");
    const fee = feeOf(earned);
    expect(await cashier.earnedOf(service)).to.equal(earned);
    expect(await cashier.collectableOf(service)).to.deep.equal({ paid: earned - fee, fee });
    const before = await chain.client.getBlockNumber();
    await chain.stranger.send(calls.collect(service));
    expect(await cashier.earnedOf(service)).to.equal(0n);
    expect(await cashier.earnedOf(service, before), "a block before").to.equal(earned);
    expect(await cashier.collectedOf(service)).to.equal(earned);
    expect(await cashier.fees()).to.equal(fee);
    await chain.stranger.send(calls.forwardFees());
    expect(await cashier.fees()).to.equal(0n);
  });

  it("closes tabs: by the collector at once, and after the payer's notice by anyone", async () => {
    await collecting.send(
      calls.closeAsCollector({ payer: payer.address, service, salt: salt("c") }),
    );
    expect((await cashier.tabOf(tab("c"))).state).to.equal("Closed");
    await paying.send(calls.announceClosing(tab("a")));
    const closing = await cashier.tabOf(tab("a"));
    expect(closing.state).to.equal("Closing");
    expect(
      codeOf(await failureOf(chain.stranger.send(calls.closeTab(tab("a"))))),
      "early",
    ).to.equal("CALL_REVERTED");
    const request = chain.client.request as (call: object) => Promise<unknown>;
    await request({ method: "evm_increaseTime", params: [NOTICE_S + 60] });
    await request({ method: "evm_mine", params: [] });
    await chain.stranger.send(calls.closeTab(tab("a")));
    expect(await cashier.tabOf(tab("a"))).to.include({ state: "Closed", signer: zeroAddress });
    const { free, reserved } = await cashier.accountOf(payer.address);
    expect({ free, reserved }).to.deep.equal({ free: bloc("132"), reserved: bloc("10") });
    await paying.send(calls.withdraw(bloc("100")));
    expect((await cashier.accountOf(payer.address)).free).to.equal(bloc("32"));
  });

  it("reads all events, those of a payer and those about a service", async () => {
    const all = await events();
    expect(all.map(({ eventName }) => eventName)).to.deep.equal([
      ...["Deposited", "Deposited", "Deposited", "Deposited"],
      ...["TabOpened", "SignerAuthorized", "TabOpened", "SignerRevoked"],
      ...["Redeemed", "RedemptionSkipped", "Redeemed", "TabOpened", "Redeemed"],
      ...["Collected", "FeesForwarded", "TabClosed", "TabClosing", "TabClosed", "Withdrawn"],
    ]);
    const foreign = ["RedemptionSkipped", "Collected", "FeesForwarded"];
    const own = all.filter(
      ({ eventName, args }) =>
        !foreign.includes(eventName) && "payer" in args && args.payer === payer.address,
    );
    const places = (list: typeof all) =>
      list.map(({ blockNumber, logIndex }) => [blockNumber, logIndex]);
    expect(places(await events({ payer: payer.address }))).to.deep.equal(places(own));
    expect(places(await events({ service }))).to.deep.equal(
      places(all.filter(({ args }) => "service" in args)),
    );
    expect(await events({ service: rootServiceId(2n) })).to.deep.equal([]);
    let redeemed = 0n;
    for (const event of own) if (event.eventName === "Redeemed") redeemed += event.args.amount;
    expect(redeemed).to.equal(bloc("8"));
  });
});

describe("events of a lying endpoint", () => {
  const deposit = (over: Partial<FakeLog> = {}) => ({
    ...encodeLog({
      block: 5,
      eventName: "Deposited",
      args: { payer: payer.address, from: payer.address, amount: 1n },
      ...over,
    }),
  });
  const read = async (log: object) => {
    const client = { request: () => Promise.resolve([log]) } as unknown as ChainClient;
    const range = { from: 1n, to: 10n };
    const found = [];
    const filter = { payer: payer.address };
    for await (const { value } of readCashierEvents(client, DEPLOYMENT, range, filter)) {
      found.push(...value);
    }
    return found;
  };

  it("are taken only if they are the ones that were asked for", async () => {
    const [event] = await read(deposit());
    expect(event?.args).to.include({ amount: 1n });
    const args = { payer: session.address, from: payer.address, amount: 1n };
    const lies: Record<string, object> = {
      "another payer's": deposit({ args }),
      "of another block": deposit({ block: 11 }),
      "of another contract": { ...deposit(), address: DEPLOYMENT.contracts.token },
      "of no block": { ...deposit(), blockNumber: null },
      "with other data": { ...deposit(), data: "0x" },
      "of an unknown kind": { ...deposit(), topics: [numberToHex(1, { size: 32 })] },
    };
    for (const [what, log] of Object.entries(lies)) {
      expect(codeOf(await failureOf(read(log))), what).to.equal("CASHIER_EVENTS_INVALID");
    }
  });
});
