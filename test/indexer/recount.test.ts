import { expect } from "chai";
import { IndexRig } from "../support/index/indexRig.ts";
import { recountIndex, type Expected } from "../support/index/recountIndex.ts";
import { hostile, IndexedStory } from "../support/index/story.ts";

type Row = Record<string, unknown>;

/** The columns of a row that are expected of it. */
function like(row: Row | undefined, expected: Row): Row {
  return Object.fromEntries(Object.keys(expected).map((name) => [name, row?.[name]]));
}

describe("an index of 50 epochs", function () {
  this.timeout(300_000);
  let story: IndexedStory;
  let rig: IndexRig;
  let expected: Expected;

  before(async () => {
    story = await IndexedStory.start();
    await story.play();
    const { deployment, stage, client } = story.chain;
    rig = await IndexRig.start({ deployment, rpcUrl: stage.devnet.rpcUrl });
    [expected] = await Promise.all([recountIndex(client, deployment), rig.caughtUp()]);
  });
  after(async () => {
    await rig.stop();
    await story.stop();
  });

  /** Compares the rows of a table by their key with what the recount has for the same keys, and no other. */
  const agree = (rows: readonly Row[], key: (row: Row) => string, wanted: Record<string, Row>) => {
    const found = Object.fromEntries(rows.map((row) => [key(row), row]));
    expect(Object.keys(found).sort()).to.deep.equal(Object.keys(wanted).sort());
    const compared = Object.entries(wanted).map(([each, row]) => [each, like(found[each], row)]);
    expect(Object.fromEntries(compared)).to.deep.equal(wanted);
  };

  it("has the services, the auditors and the accounts that a naive reader of all logs counts", async () => {
    const { services, auditors, accounts } = await rig.query<Record<string, { items: Row[] }>>(`{
      services { items { number owner stake rewards redeemed collected challenges slashed } }
      auditors { items { auditor stake earned collected committed votes paidVotes reported slashed } }
      accounts { items { payer free reserved deposited withdrawn paid } } }`);
    agree(services!.items, ({ number }) => String(number), expected.services);
    agree(auditors!.items, ({ auditor }) => String(auditor), expected.auditors);
    agree(accounts!.items, ({ payer }) => String(payer), expected.accounts);
  });

  it("has each round with the counts by grade that the contract has, and what was paid", async () => {
    const { rounds } = await rig.query<{
      rounds: { items: Row[] };
    }>(`{ rounds(limit: 1000) { items {
      number epoch failed poor good excellent verdict settledGrade reward } } }`);
    expect(rounds.items.length).to.be.above(80);
    agree(
      rounds.items,
      ({ number, epoch }) => `${String(number)}/${String(epoch)}`,
      expected.rounds,
    );
  });

  it("names at each service its two newest verdicts, and their epochs", async () => {
    const { services } = await rig.query<{ services: { items: Row[] } }>(`{
      services { items { number verdict verdictEpoch verdictBefore verdictBeforeEpoch } } }`);
    for (const { number, ...found } of services.items) {
      const verdicts = Object.entries(expected.rounds)
        .map(([key, { verdict }]) => ({ key: key.split("/"), verdict }))
        .filter(({ key, verdict }) => key[0] === number && verdict !== null)
        .map(({ key, verdict }) => ({ epoch: Number(key[1]), verdict }))
        .sort((one, other) => other.epoch - one.epoch);
      const [newest, before] = verdicts;
      expect(found, `service ${String(number)}`).to.deep.equal({
        ...{ verdict: newest!.verdict, verdictEpoch: newest!.epoch },
        ...{ verdictBefore: before!.verdict, verdictBeforeEpoch: before!.epoch },
      });
    }
  });

  it("has the epochs, with budgets, votes, pay and the gas of their audits", async () => {
    const { epochs, network } = await rig.query<{ epochs: { items: Row[] }; network: Row }>(`{
      epochs(limit: 1000, where: { seed_not: null }) { items { epoch committed votes paidVotes auditorsPaid
        providersPaid providersBudget auditorsBudget unreadVotes auditGas } }
      network(id: "network") { services poolPaid contributed redeemed fees feesBurned slashed } }`);
    agree(epochs.items, ({ epoch }) => String(epoch), expected.epochs);
    const all = await rig.query<{ epochs: { items: Row[] } }>(
      "{ epochs(limit: 1000) { items { auditGas } } }",
    );
    const auditGas = all.epochs.items.reduce((sum, row) => sum + BigInt(String(row.auditGas)), 0n);
    expect({ ...network, auditGas: auditGas.toString() }).to.deep.equal(expected.network);
    const verdicts = await rig.query<{ epochs: { items: Record<string, number>[] } }>(
      "{ epochs(limit: 1000) { items { epoch failed poor good excellent } } }",
    );
    for (const { epoch, failed, poor, good, excellent } of verdicts.epochs.items) {
      const quorate = Object.entries(expected.rounds).filter(
        ([key, { verdict }]) => key.endsWith(`/${epoch}`) && verdict !== null,
      );
      expect(failed! + poor! + good! + excellent!).to.equal(quorate.length);
    }
  });

  it("keeps strangers' texts as texts, and shows a record only if the service's key signed it", async () => {
    const { services, announcements } = await rig.query<Record<string, { items: Row[] }>>(`{
      services(orderBy: "number") { items { metadata probe status label } }
      announcements(orderBy: "number") { items { number proven endpoints } } }`);
    const [first, second] = services!.items;
    expect(first!.metadata).to.equal(hostile.replace("\0", "\uFFFD"));
    expect(first!.label).to.equal("weather");
    expect(second!.metadata).to.equal("x".repeat(256));
    expect(second!.probe).to.equal(null);
    expect(announcements!.items.map(({ proven }) => proven)).to.deep.equal([true, false]);
    expect(announcements!.items[0]!.endpoints).to.deep.equal([
      { uri: "https://weather.example/", priority: 0, weight: 0 },
    ]);
  });

  it("says what is unclaimed and until when, and what a payer paid by day", async () => {
    const owner = story.chain.auditors[1]!.owner.toLowerCase();
    const { auditorRounds, statementDays, tabs } = await rig.query<
      Record<string, { items: Row[] }>
    >(
      `query ($owner: String, $limit: Int) {
        auditorRounds(where: { auditor: $owner, state: "revealed" }, orderBy: "claimBy", limit: $limit) {
          items { epoch claimBy } }
        statementDays { items { number paid redemptions } }
        tabs(orderBy: "number") { items { number state paid redeemed returned } } }`,
      { owner, limit: 100 },
    );
    // The second auditor never claimed.
    expect(auditorRounds!.items).to.have.length(28);
    for (const { epoch, claimBy } of auditorRounds!.items) {
      expect(claimBy).to.equal(Number(epoch) + 129);
    }
    const e18 = "0".repeat(18);
    expect(statementDays!.items).to.deep.equal([
      { number: "2", paid: `55${e18}`, redemptions: 3 },
      { number: "3", paid: `7${e18}`, redemptions: 1 },
    ]);
    expect(tabs!.items).to.deep.equal([
      { number: "2", state: "closing", paid: `55${e18}`, redeemed: `60${e18}`, returned: null },
      { number: "3", state: "closed", paid: `7${e18}`, redeemed: `7${e18}`, returned: `23${e18}` },
    ]);
  });
});
