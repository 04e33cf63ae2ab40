import { expect } from "chai";
import { encodeFunctionData, keccak256, parseEther, toHex, type Hex } from "viem";
import { sender } from "../../devnet/cast.ts";
import { devKey } from "../../devnet/devnet.ts";
import { keyIndex } from "../../devnet/stage.ts";
import { permitted } from "../../src/chain/permits.ts";
import type { Redemption } from "../../src/protocol/voucher.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import type { Grade } from "../../src/protocol/tally.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { Payer, spoiled, type SignedTab } from "../support/payer.ts";
import { alterBalance } from "../support/recount/alter.ts";
import { alterAccount, alterFee, alterVoucher } from "../support/recount/alterCashier.ts";
import { abis, eventsOf } from "../support/recount/calls.ts";
import { readInput, recount, type RecountInput } from "../support/recount/recount.ts";
import type { Contracts } from "../support/recount/record.ts";

const DAY = 86_400;
const bloc = (amount: number) => parseEther(amount.toString());
const stranger = devKey(keyIndex.visitor + 2).key;
const [one, two] = [devKey(keyIndex.owner), devKey(keyIndex.owner + 1)] as const;
/** The votes on service 1 by epoch; those of the last epoch are not revealed. */
const GRADES: readonly Grade[] = [3, 1, 3, 2, 1, 3];
/** A key of a browser, for example, with which a payer opens tabs. */
const session = { key: keccak256("0x5e"), grant: bloc(120) };

/** One chain, on which each test goes on where the one before ended: what it recounts grows. */
describe("the recount, of users who pay", function () {
  this.timeout(600_000);
  let chain: AuditedChain;
  let input: RecountInput;
  let [ann, ben, cid]: Payer[] = [];
  let annTab: SignedTab;
  let benTab: SignedTab;
  let cidTab: SignedTab;
  /** The last epoch with verdicts, and the one whose vouchers with a grade just became due. */
  const [last, due] = [FIRST + GRADES.length - 1, FIRST + 2];

  const send = (key: Hex, name: keyof Contracts, functionName: string, args: readonly unknown[]) =>
    sender(chain.stage, key).send({
      address: chain.deployment.contracts[name],
      abi: abis[name],
      functionName,
      args,
    });
  const cashier = (key: Hex, functionName: string, ...args: readonly unknown[]) =>
    send(key, "cashier", functionName, args);
  const approve = (key: Hex, amount: number) =>
    send(key, "token", "approve", [chain.deployment.contracts.cashier, bloc(amount)]);
  const open = ({ key }: { key: Hex }, { terms, salt, signature }: SignedTab) =>
    cashier(key, "openTab", terms, salt, signature);
  const now = async () => Number((await chain.client.getBlock()).timestamp);
  const agree = async (least: number) => {
    input = await readInput(chain.client, chain.deployment.contracts);
    const { compared, differences } = await recount(input);
    expect(differences).to.deep.equal([]);
    expect(compared).to.be.at.least(least);
  };
  /** The names of the errors for which batches skipped items. */
  const reasons = () => {
    const { blocks, contracts } = input.record;
    return blocks
      .flatMap(({ transactions }) => transactions)
      .flatMap((transaction) => eventsOf(transaction, contracts))
      .filter(({ eventName }) => eventName === "RedemptionSkipped")
      .map(({ args }) => String(args.reason).split("(")[0]);
  };

  before(async () => {
    chain = await AuditedChain.start({
      services: [4_000, 3_000, 2_000],
      auditors: [10_000, 11_000, 13_000],
    });
    ann = new Payer(devKey(keyIndex.visitor).key, chain.deployment);
    ben = new Payer(devKey(keyIndex.visitor + 1).key, chain.deployment);
    // Has no ether.
    cid = new Payer(keccak256(toHex("cid")), chain.deployment);
    await chain.fund(ann.address, 2_000);
    await chain.fund(ben.address, 1_000);
    await chain.fund(cid.address, 600);
  });
  after(() => chain.stop());

  it("follows deposits in all ways, a withdrawal, and BLOC that belongs to no account", async () => {
    await approve(ann!.key, 1_050);
    await cashier(ann!.key, "deposit", bloc(1_000));
    await cashier(ann!.key, "depositFor", ben!.address, bloc(50));
    const { client, deployment } = chain;
    const { contracts } = deployment;
    const [address, amount] = [contracts.cashier, bloc(200)];
    const call = { address, abi: abis.cashier, functionName: "deposit", args: [amount] };
    const paid = { call, key: ben!.key, spender: address, amount };
    await sender(chain.stage, ben!.key).send(await permitted(client, deployment, paid));
    const until = BigInt(await now()) + 3_600n;
    const signed = await cid!.depositBySignature(bloc(400), until);
    await cashier(stranger, "depositWithAuthorization", ...signed);
    await cashier(ann!.key, "withdraw", bloc(30));
    await send(ann!.key, "token", "transfer", [address, bloc(7)]);
    await agree(200);
  });

  it("follows tabs, keys that open them, and vouchers with and without a grade", async () => {
    for (const [index, grade] of GRADES.entries()) {
      await chain.play(FIRST + index, FIRST + index, { 1: grade, 2: 1 });
    }
    const at = await now();
    annTab = ann!.tab(1n, one.address, { limit: bloc(100), now: at, lastsS: 20 * DAY });
    await open(one, annTab);
    const more = { limit: bloc(150), now: at, lastsS: 25 * DAY, of: annTab };
    annTab = ann!.tab(1n, one.address, more);
    await open(one, annTab);
    await cashier(one.key, "redeem", ann!.voucher(annTab, bloc(10), { epoch: FIRST }));
    // What lies between 10 and 25 was used in an epoch of which no voucher was redeemed.
    const graded = { base: bloc(25), epoch: due, minGrade: 2 };
    await cashier(one.key, "redeem", ann!.voucher(annTab, bloc(40), graded));

    const terms = { now: at, by: session.key };
    benTab = ben!.tab(2n, two.address, { ...terms, limit: bloc(80), lastsS: 2 * DAY });
    for (const grant of [1n, session.grant]) {
      await cashier(ben!.key, "authorizeSigner", benTab.terms.signer, grant, at + DAY);
    }
    await open(two, benTab);
    const raised = { ...terms, limit: bloc(110), lastsS: 20 * DAY, of: benTab };
    benTab = ben!.tab(2n, two.address, raised);
    await open(two, benTab);

    cidTab = cid!.tab(2n, two.address, { limit: bloc(60), now: at, lastsS: 3_600 });
    const item = cid!.voucher(cidTab, bloc(5), { epoch: last });
    await cashier(two.key, "openAndRedeem", cidTab.terms, cidTab.signature, item);
    await agree(1_000);
  });

  it("follows a batch in which one item after the other is refused for a reason of its own", async () => {
    const at = await now();
    await cashier(ben!.key, "revokeSigner", benTab.terms.signer);
    const tabFor = async (payer: Payer, service: bigint) => {
      const tab = payer.tab(service, one.address, { limit: bloc(20), now: at, lastsS: DAY });
      await open(one, tab);
      return tab;
    };
    const ofFailing = await tabFor(ann!, 2n);
    const ofUnseen = await tabFor(ann!, 3n);
    const dead = await tabFor(cid!, 1n);
    await cashier(one.key, "closeAsCollector", cid!.address, rootServiceId(1n), dead.salt);
    const cumulative = bloc(45);
    const items: Redemption[] = [
      ann!.voucher(annTab, cumulative, { base: bloc(40) }),
      ben!.voucher(benTab, bloc(1)),
      ann!.voucher(annTab, cumulative, { payer: ben!.address }),
      cid!.voucher(dead, bloc(1)),
      ann!.voucher(annTab, bloc(1_000)),
      ann!.voucher(annTab, bloc(20)),
      ann!.voucher(annTab, bloc(50), { base: bloc(50) }),
      spoiled(ann!.voucher(annTab, bloc(50))),
      ann!.voucher({ ...annTab, signer: session.key }, bloc(50)),
      ann!.voucher(annTab, bloc(50), { minGrade: 4, epoch: due }),
      ann!.voucher(annTab, bloc(50), { minGrade: 1, epoch: due + 1 }),
      ann!.voucher(annTab, bloc(50), { minGrade: 1, epoch: 1 }),
      ann!.voucher(ofUnseen, bloc(3), { minGrade: 1, epoch: due }),
      ann!.voucher(ofFailing, bloc(3), { minGrade: 2, epoch: due }),
      ann!.voucher(ofFailing, bloc(8), { minGrade: 1, epoch: due }),
    ];
    await cashier(one.key, "redeemBatch", items);
    await chain.own(1, "setPayout", [1n, ben!.address]);
    await cashier(stranger, "collect", rootServiceId(1n));
    await cashier(stranger, "forwardFees");
    // Now the vouchers of the last epochs are due, too, and have the verdicts of two, of one and of no epoch.
    await chain.enter(last + 4);
    await agree(1_300);
    expect(reasons()).to.deep.equal([
      ...["CashierNotCollector", "CashierTabUnknown", "CashierTabDead", "CashierOverLimit"],
      ...["CashierNotHigher", "CashierBase", "CashierVoucherSigner", "CashierVoucherSigner"],
      ...["CashierGradeUnknown", "CashierNotDue", "CashierServiceInactive", "CashierNoVerdict"],
      "CashierGradeMissed",
    ]);
  });

  it("follows closings, and what is refused days later", async () => {
    const { service, tab } = annTab.terms;
    await cashier(ann!.key, "announceClosing", service, tab);
    await cashier(one.key, "redeem", ann!.voucher(annTab, bloc(47) + 1n));
    // Two days and an hour after its last second of serving, a tab is no longer redeemed.
    await chain.driver.jump(last + 740, 0);
    await cashier(two.key, "redeemBatch", [
      ben!.voucher(benTab, bloc(30), { minGrade: 1, epoch: due }),
      cid!.voucher(cidTab, bloc(9)),
      ben!.voucher(benTab, bloc(33), { base: bloc(30) }),
    ]);
    for (const { terms } of [annTab, cidTab]) {
      await cashier(stranger, "closeTab", terms.payer, terms.service, terms.tab);
    }
    await chain.own(2, "transferFrom", [two.address, ben!.address, 2n]);
    const collections = [1n, 2n, 2n].map((number) => {
      const args = [rootServiceId(number)] as const;
      return encodeFunctionData({ abi: abis.cashier, functionName: "collect", args });
    });
    await cashier(stranger, "tryMulticall", collections);
    await cashier(stranger, "forwardFees");
    await agree(8_000);
    expect(reasons().slice(-2)).to.deep.equal(["CashierVerdictGone", "CashierTabOver"]);
    const kinds = [...(await recount(input)).kinds.keys()];
    expect(kinds).to.include.members([
      ...["account", "tab", "key of a payer", "fees", "earned by use", "grade of vouchers"],
      ...["BLOC of the Cashier", "redeem", "cashier.RedemptionSkipped reason"],
      ...["cashier.TabClosed returned", "cashier.Collected fee", "cashier.FeesForwarded burned"],
    ]);
  });

  it("names one voucher that was signed otherwise, and all that follows from it", async () => {
    const altered = alterVoucher(input);
    const { differences } = await recount(altered.input);
    const [first] = differences;
    expect(first).to.include({
      what: "redeem: payable",
      party: `tab ${altered.tab}`,
      found: "paid",
    });
    expect(first!.expected).to.contain("CashierVoucherSigner");
    const whats = differences.map(({ what }) => what);
    expect(whats).to.include("cashier.Redeemed").and.include("cashier.Collected paid");
    expect(whats.some((what) => what.startsWith("balance"))).to.equal(true);
  });

  it("names one account, one balance and one fee that differ by a wei", async () => {
    const contract = chain.deployment.contracts.cashier;
    for (const [altered, what, party] of [
      [alterAccount(input, ann!.address), /^account, 2/, ann!.address],
      [alterBalance(input, contract), /^balance/, contract],
      [alterFee(input), /^cashier\.Collected fee/, rootServiceId(1n)],
    ] as const) {
      const { differences } = await recount(altered);
      expect(differences).to.have.length(1);
      const [only] = differences;
      expect(only!.what).to.match(what);
      expect(only!.party).to.equal(party);
      expect(BigInt(only!.found) - BigInt(only!.expected)).to.equal(1n);
    }
  });
});
