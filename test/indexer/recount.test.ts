import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { packageRoot } from "../../src/node/packageRoot.ts";
import { disagreements } from "../support/index/agreement.ts";
import { IndexRig, tables } from "../support/index/indexRig.ts";
import { RawChain } from "../support/index/recount/chain.ts";
import { recountIndex } from "../support/index/recountIndex.ts";
import { hostile, IndexedStory } from "../support/index/story.ts";
import { play, playOn } from "../support/index/story/play.ts";

type Row = Record<string, unknown>;

/** The events for which the index has a handler, as `contract.Event`. */
function handledEvents(): string[] {
  const folder = path.join(packageRoot(), "indexer", "src");
  const sources = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  return sources.flatMap((name) =>
    [...readFileSync(path.join(folder, name), "utf8").matchAll(/ponder\.on\("(\w+):(\w+)"/g)].map(
      ([, contract, event]) => `${contract![0]!.toLowerCase()}${contract!.slice(1)}.${event!}`,
    ),
  );
}

describe("an index of 50 epochs", function () {
  this.timeout(300_000);
  let story: IndexedStory;
  let rig: IndexRig;

  before(async () => {
    story = await IndexedStory.start();
    await play(story);
    const { deployment, stage } = story.chain;
    rig = await IndexRig.start({ deployment, rpcUrl: stage.devnet.rpcUrl });
    await rig.caughtUp();
  });
  after(async () => {
    await rig.stop();
    await story.stop();
  });

  const recount = () => recountIndex(story.chain.client, story.chain.deployment);

  it("serves the tables that are recounted, and no other", async () => {
    const served = (await rig.tableNames()).sort();
    expect(served).to.deep.equal([...tables].sort());
    expect(Object.keys(await recount()).sort()).to.deep.equal(served);
  });

  it("has in every table the rows, and in every column the value, that a plain reader of the chain counts", async () => {
    const expected = await recount();
    expect(expected.round!.length).to.be.above(80);
    expect(await disagreements(rig, expected)).to.deep.equal([]);
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
    expect(services!.items[12]!.probe).to.equal("\uFFFDodd\uFFFDprobe");
    expect(announcements!.items.map(({ number, proven }) => [number, proven])).to.deep.equal([
      ...[
        ["1", true],
        ["2", false],
        ["4", true],
        ["5", false],
      ],
      ...[
        ["6", false],
        ["7", false],
        ["8", false],
        ["13", true],
      ],
    ]);
    expect(announcements!.items[0]!.endpoints).to.deep.equal([
      { uri: "https://weather.example/", priority: 1, weight: 2 },
    ]);
  });

  it("says what is unclaimed and until when, and what a payer paid by day", async () => {
    const owner = story.chain.auditors[1]!.owner.toLowerCase();
    const payer = story.payer.address.toLowerCase();
    const { auditorRounds, statementDays, tabs } = await rig.query<
      Record<string, { items: Row[] }>
    >(
      `query ($owner: String, $payer: String, $limit: Int) {
        auditorRounds(where: { auditor: $owner, state: "revealed" }, orderBy: "claimBy", limit: $limit) {
          items { epoch claimBy } }
        statementDays(where: { payer: $payer }, orderBy: "number") { items { number paid redemptions } }
        tabs(where: { payer: $payer }, orderBy: "number") {
          items { number state paid redeemed returned } } }`,
      { owner, payer, limit: 100 },
    );
    // The second auditor never claimed.
    expect(auditorRounds!.items).to.have.length(18);
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

  it("equals the recount still, when it has followed the head until slots and rings are used again", async () => {
    await playOn(story);
    await rig.caughtUp();
    expect(await disagreements(rig, await recount())).to.deep.equal([]);
  });

  it("was shown every event that it handles", async () => {
    const { facts } = await RawChain.read(story.chain.client, story.chain.deployment);
    const happened = new Set(facts.map(({ name }) => name));
    const handled = handledEvents();
    expect(handled.length).to.be.above(50);
    expect(handled.filter((name) => !happened.has(name))).to.deep.equal([]);
  });
});
