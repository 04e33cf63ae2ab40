import { expect } from "chai";
import { keccak256, parseEther, stringToHex, type Hex } from "viem";
import { cashierCalls } from "../../src/chain/cashier/calls.ts";
import { csv } from "../../src/cli/cashier/csv.ts";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import {
  cashierDomain,
  cashierSeparator,
  NOTICE_S,
  signTab,
  signVoucher,
  tabOf,
} from "../../src/protocol/voucher.ts";
import type { Call } from "../../src/chain/transactions/call.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";

const { owner: payer, wallet: collector, operator: session, stranger } = parts;
const KEY = "--payer-key-file owner.key";
const service = rootServiceId(1n);
const DAY_S = 86_400;
const bloc = (text: string) => parseEther(text).toString();

/** One chain, on which each test goes on where the one before ended. */
describe("cashier commands", function () {
  this.timeout(120_000);
  let rig: CliRig;
  let calls: ReturnType<typeof cashierCalls>;
  let separator: Uint8Array;

  before(async () => {
    rig = await CliRig.start();
    const { deployment } = rig.devnet;
    calls = cashierCalls(deployment);
    const domain = cashierDomain(BigInt(deployment.chainId), deployment.contracts.cashier);
    separator = cashierSeparator(domain);
    const keys = "--service-key-file service.key --wallet-key-file wallet.key";
    await ok(`service register --probe '${PROBE}' --stake 1000 ${keys}`);
  });
  after(() => rig.stop());

  const ok = async (line: string) => {
    const outcome = await rig.cli(`${line} --yes --json`);
    expect(outcome.code, outcome.stderr).to.equal(0);
    return outcome.json();
  };
  const read = async (line: string) => {
    const outcome = await rig.cli(`${line} --json`);
    expect(outcome.code, outcome.stderr).to.equal(0);
    return outcome.json();
  };
  const fails = async (line: string, code: string, exit: number) => {
    const outcome = await rig.cli(`${line} --yes`);
    expect(outcome.stderr).to.match(new RegExp(`${code}\\b`));
    expect(outcome.code).to.equal(exit);
  };
  const collect = (call: Call) =>
    rig.send(collector.key, call.address, call.abi, call.functionName, call.args);
  const salt = (name: string) => keccak256(stringToHex(name));
  const tab = (name: string) => tabOf(collector.address, salt(name));
  const now = async () => Number((await rig.client.getBlock()).timestamp);

  /** A collector opens a tab that the payer, or its session key, authorized. */
  async function open(name: string, limit: string, signer: { key: Hex; address: Hex } = payer) {
    const authorization = {
      ...{ payer: payer.address, service, tab: tab(name), signer: signer.address },
      ...{ limit: parseEther(limit), openBy: (await now()) + 60 },
      expiresAt: (await now()) + 20 * DAY_S,
    };
    const signature = signTab(separator, authorization, hexToBytes(signer.key));
    await collect(calls.openTab({ authorization, salt: salt(name), signature }));
  }

  async function redeem(name: string, cumulative: string, signer: { key: Hex } = payer) {
    const voucher = {
      ...{ payer: payer.address, service, tab: tab(name), cumulative: parseEther(cumulative) },
      ...{ base: 0n, minGrade: 0, epoch: 0 },
    };
    await collect(
      calls.redeem(signVoucher(separator, voucher, salt(name), hexToBytes(signer.key))),
    );
  }

  it("deposits after a preview, and sends nothing for a preview alone", async () => {
    const before = await rig.bloc(payer.address);
    const preview = await rig.cli(`cashier deposit 100 ${KEY} --dry-run --json`);
    expect(preview.json()).to.have.nested.property("dryRun.bloc.deposited", bloc("100"));
    expect(await rig.bloc(payer.address)).to.equal(before);
    expect((await rig.cli(`cashier deposit 100 ${KEY}`)).code).to.equal(exitCodes.refused);

    const done = await ok(`cashier deposit 100 ${KEY}`);
    expect(done).to.include({ deposited: bloc("100"), free: bloc("100"), reserved: "0" });
    expect(await rig.bloc(payer.address)).to.equal(before - parseEther("100"));
    await fails(`cashier deposit 0 ${KEY}`, "AMOUNT_ZERO", exitCodes.failed);
    await fails(`cashier deposit 1000000 ${KEY}`, "BALANCE_TOO_LOW", exitCodes.failed);
  });

  it("deposits for an account without ether, whose signature another key sends", async () => {
    const sent = await rig.sent(payer.address);
    const line = `cashier deposit 20 ${KEY} --gas-key-file stranger.key`;
    expect(await ok(line)).to.include({ payer: payer.address, free: bloc("120") });
    expect(await rig.sent(payer.address), "the payer sends nothing").to.equal(sent);
    const short = "cashier deposit 1 --payer-key-file operator.key --gas-key-file stranger.key";
    await fails(short, "BALANCE_TOO_LOW", exitCodes.failed);
    await fails(`${line} --for ${session.address}`, "CONFIG_INVALID", exitCodes.usage);
  });

  it("deposits for another account, with an approval before", async () => {
    const done = await ok(`cashier deposit 5 --for ${session.address} ${KEY}`);
    expect(done).to.include({ payer: session.address, free: bloc("5") });
    expect(done.transactions).to.have.length(2);
  });

  it("withdraws what is free, and no more", async () => {
    expect(await ok(`cashier withdraw 10 ${KEY}`)).to.include({ free: bloc("110") });
    await fails(`cashier withdraw 111 ${KEY}`, "NOTHING_FREE", exitCodes.failed);
    const all = await ok("cashier withdraw all --payer-key-file operator.key");
    expect(all).to.include({ withdrawn: bloc("5"), free: "0" });
    const none = "cashier withdraw all --payer-key-file operator.key";
    await fails(none, "NOTHING_FREE", exitCodes.failed);
    await fails(`cashier withdraw -1 ${KEY}`, "", exitCodes.usage);
  });

  it("authorizes a session key, which opens tabs, and revokes it", async () => {
    const done = await ok(`cashier authorize ${session.address} --limit 30 --for 7d ${KEY}`);
    expect(done).to.include({ signer: session.address, left: bloc("30") });
    await open("mine", "40");
    await open("session's", "25", session);
    await ok(`cashier revoke ${session.address} ${KEY}`);
    await fails(
      `cashier revoke ${session.address} ${KEY}`,
      "CashierSignerUnknown",
      exitCodes.reverted,
    );
  });

  it("shows balance and tabs", async () => {
    await redeem("mine", "3");
    await redeem("session's", "1", session);
    expect(await read(`cashier balance ${payer.address}`)).to.include({
      ...{ free: bloc("45"), reserved: bloc("65"), paid: bloc("4"), left: bloc("106"), tabs: 2 },
    });
    const { tabs } = await read(`cashier tabs ${payer.address}`);
    const brief = (tabs as Record<string, unknown>[]).map((each) => [
      ...[each.tab, each.number, each.state, each.limit, each.redeemed, each.signed],
    ]);
    expect(brief).to.deep.equal([
      [tab("session's"), "1", "Open", bloc("25"), bloc("1"), null],
      [tab("mine"), "1", "Open", bloc("40"), bloc("3"), null],
    ]);
    const none = await rig.cli(`cashier tabs ${stranger.address}`);
    expect(none.stdout).to.equal("no tabs\n");
  });

  it("states by day and service what was paid, and adds up", async () => {
    await rig.pass(DAY_S);
    await redeem("mine", "5.5");
    await redeem("mine", "6");
    const { rows, ...sums } = await read(`cashier statement ${payer.address}`);
    expect(sums).to.include({
      ...{ opening: "0", deposited: bloc("120"), withdrawn: bloc("10"), redeemed: bloc("7") },
      ...{ left: bloc("103"), signed: "0" },
    });
    const list = rows as { day: string; redeemed: string; redemptions: number }[];
    expect(list.map(({ redeemed, redemptions }) => [redeemed, redemptions])).to.deep.equal([
      [bloc("4"), 2],
      [bloc("3"), 2],
    ]);
    const [first, second] = list.map(({ day }) => day);
    const { stdout } = await rig.cli(`cashier statement ${payer.address} --csv`);
    expect(stdout.split("\n")).to.deep.equal([
      "day,service,number,signed,redeemed,redemptions",
      `${first},${service},1,0,4,2`,
      `${second},${service},1,0,3,2`,
      "",
    ]);
    const since = await read(`cashier statement ${payer.address} --since ${second}`);
    expect(since).to.include({ opening: bloc("106"), redeemed: bloc("3"), left: bloc("103") });
    expect(since.rows).to.deep.equal(list.slice(1));
    const { stdout: text } = await rig.cli(`cashier statement ${payer.address}`);
    expect(text)
      .to.match(/redeemed +7 BLOC/)
      .and.to.match(/left +103 BLOC/);
    const day = `cashier statement ${payer.address} --since 2027-13-01`;
    await fails(day.replace(" --yes", ""), "", exitCodes.usage);
  });

  it("closes tabs: announces it, waits a day for the collector, takes the rest back", async () => {
    await fails(`cashier close ${KEY}`, "CONFIG_INVALID", exitCodes.usage);
    await fails(`cashier close --tab ${salt("none")} ${KEY}`, "TAB_UNKNOWN", exitCodes.failed);
    const announced = await ok(`cashier close --tab ${tab("mine")} ${KEY}`);
    expect(announced).to.deep.include({ closed: [], closing: [tab("mine")] });
    const early = await rig.cli(`cashier close --tab ${tab("mine")} ${KEY} --yes`);
    expect(early.stdout).to.contain("1 tab can be closed in ");
    await redeem("mine", "8");
    await rig.pass(NOTICE_S + 1);
    const both = await ok(`cashier close --all ${KEY}`);
    expect(both).to.deep.include({
      ...{ closed: [tab("mine")], closing: [tab("session's")], returned: bloc("32") },
    });
    await rig.pass(NOTICE_S + 1);
    expect(await ok(`cashier close --all ${KEY}`)).to.include({ returned: bloc("24") });
    // Its collector is faster, while the user reads what will be sent.
    await open("raced", "8");
    const raced = await rig.cli(`cashier close --tab ${tab("raced")} ${KEY}`, {
      types: "y\n",
      asked: () =>
        collect(calls.closeAsCollector({ payer: payer.address, service, salt: salt("raced") })),
    });
    expect([raced.code, raced.stdout]).to.deep.equal([0, "closed meanwhile: 1 tab\n"]);
    const nothing = await rig.cli(`cashier close --all ${KEY} --yes`);
    expect(nothing.stdout).to.equal(`${payer.address} has no tab to close\n`);
    const all = await ok(`cashier withdraw all ${KEY}`);
    expect(all).to.include({ withdrawn: bloc("101"), free: "0", reserved: "0" });
    const { left } = await read(`cashier statement ${payer.address}`);
    expect(left, "and still adds up").to.equal("0");
  });

  it("prints no key", () => {
    for (const { key } of Object.values(parts)) expect(rig.printed).not.to.contain(key.slice(2));
  });
});

describe("CSV", () => {
  it("quotes by RFC 4180, and gives spreadsheets nothing to run", () => {
    const dangerous = ["=1+1", "+1", "-1", "@a", "\tx", '=a","b'];
    expect(csv([["a", 'say "hi"', "x,y", "1\n2", 7], dangerous])).to.equal(
      'a,"say ""hi""","x,y","1\n2",7\n' + `'=1+1,'+1,'-1,'@a,'\tx,"'=a"",""b"`,
    );
  });
});
