import { expect } from "chai";
import { erc20Abi, parseEther } from "viem";
import { devKey } from "../../devnet/devnet.ts";
import { cashierCalls } from "../../src/chain/cashier/calls.ts";
import { Cashier } from "../../src/chain/cashier/cashier.ts";
import { contractsOf } from "../../src/chain/views/contracts.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { KeeperRig } from "../support/keeperRig.ts";
import { Payer } from "../support/payer.ts";

const KEEPER = devKey(12);
const USED = parseEther("500");
/** 2% of what was used. */
const FEE = parseEther("10");
const GENEROUS = parseEther("10");

describe("a keeper and the Cashier's fees", () => {
  let chain: AuditedChain;
  let cashier: Cashier;

  before(async () => {
    chain = await AuditedChain.start({ services: [4_000], auditors: [10_000] });
    cashier = new Cashier(chain.client, chain.deployment);
    await chain.enter(FIRST);
    const collector = chain.stranger;
    await chain.fund(collector.address, 1_000);
    const { contracts } = chain.deployment;
    const args = [contracts.cashier, USED] as const;
    await collector.send({
      address: contracts.token,
      abi: erc20Abi,
      functionName: "approve",
      args,
    });
    const payer = new Payer(devKey(14).key, chain.deployment);
    const { cashier: contract } = contractsOf(chain.deployment);
    const deposit = [payer.address, USED] as const;
    await collector.send({ ...contract, functionName: "depositFor", args: deposit });
    const { timestamp } = await chain.moment();
    const times = { now: timestamp, lastsS: 3_600 };
    const tab = payer.tab(1n, collector.address, { limit: USED, ...times });
    const opening = [tab.terms, tab.signature, payer.voucher(tab, USED)] as const;
    await collector.send({ ...contract, functionName: "openAndRedeem", args: opening });
    await collector.send(cashierCalls(chain.deployment).collect(rootServiceId(1n)));
    expect(await cashier.fees()).to.equal(FEE);
  });
  after(() => chain.stop());

  it("leaves alone fees that are not worth a transaction", async () => {
    const keeper = new KeeperRig(chain, {
      ...{ key: KEEPER.key, unpaidWeiPerDay: GENEROUS, leastFees: FEE + 1n },
    });
    await keeper.round("fees");
    expect(keeper.heard).to.deep.equal([]);
  });

  it("does not forward them without a budget, because nobody pays for it", async () => {
    const keeper = new KeeperRig(chain, { key: KEEPER.key });
    await keeper.round("fees");
    expect(keeper.heard).to.deep.equal(["skipped fees"]);
    expect(await cashier.fees()).to.equal(FEE);
  });

  it("forwards them with a budget, once: half is burned, half is for the auditors", async () => {
    const supply = () =>
      chain.client.readContract({
        address: chain.deployment.contracts.token,
        abi: erc20Abi,
        functionName: "totalSupply",
      });
    const before = await supply();
    const keeper = new KeeperRig(chain, { key: KEEPER.key, unpaidWeiPerDay: GENEROUS });
    await keeper.round("fees");
    await keeper.round("fees");
    expect(keeper.heard).to.deep.equal(["done fees"]);
    expect(await cashier.fees()).to.equal(0n);
    expect(before - (await supply())).to.equal(FEE / 2n);
  });
});
