import { expect } from "chai";
import { Conduct, defaultConductLimits } from "../../src/coral/p2p/conduct.ts";
import { Intake } from "../../src/coral/p2p/intake.ts";
import type { Acceptance } from "../../src/coral/book/recordBook.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { BookRig } from "../support/bookRig.ts";
import { rootRecord, START, subRecord, testKey } from "../support/coralKit.ts";

describe("Conduct", () => {
  let now = 0;
  let cut: string[] = [];
  const conduct = (limits = {}) => {
    now = 0;
    cut = [];
    return new Conduct(
      { ...defaultConductLimits, ...limits },
      () => now,
      (peer) => cut.push(peer),
    );
  };

  it("tolerates a little, then takes score, then cuts off once, for a while", () => {
    const all = conduct();
    all.blame("a", 20);
    expect(all.score("a")).to.equal(0);
    all.blame("a", 30);
    expect(all.score("a")).to.equal(-30);
    expect(all.isCut("a")).to.equal(false);
    all.blame("a", 60);
    all.blame("a", 60);
    expect(cut).to.deep.equal(["a"]);
    expect([all.isCut("a"), all.isCut("b"), all.score("b")]).to.deep.equal([true, false, 0]);
    now = 600_000;
    expect(all.isCut("a")).to.equal(false);
  });

  it("forgets half in each half-life", () => {
    const all = conduct();
    all.blame("a", 80);
    now = 60_000;
    expect(all.score("a")).to.equal(-20);
    all.blame("a", 59);
    expect(cut).to.deep.equal([]);
    all.blame("a", 1);
    expect(cut).to.deep.equal(["a"]);
  });

  it("takes back what rested on the chain's word on a service that then changed", () => {
    const all = conduct();
    all.blame("a", 10);
    all.blame("a", 90, 7n);
    expect(all.isCut("a")).to.equal(true);
    all.forgive(8n);
    expect(all.isCut("a")).to.equal(true);
    all.forgive(7n);
    expect([all.isCut("a"), all.score("a")]).to.deep.equal([false, 0]);
    all.forgive(7n);
    all.blame("a", 89);
    expect(cut).to.deep.equal(["a"]);
  });

  it("remembers so many peers and no more", () => {
    const all = conduct({ peers: 2 });
    for (const peer of ["a", "b", "a", "c"]) all.blame(peer, 40);
    expect(["a", "b", "c"].map((peer) => all.score(peer))).to.deep.equal([-60, 0, -20]);
  });
});

describe("Intake", () => {
  const key = testKey(7);
  const thief = testKey(666);
  let rig: BookRig;
  let conduct: Conduct;
  let intake: Intake;
  let floods = 0;

  beforeEach(async () => {
    rig = await new BookRig().start();
    rig.authority.set(7n, key);
    const monotonic = () => rig.timers.monotonic();
    conduct = new Conduct({ ...defaultConductLimits, tolerated: 0 }, monotonic, () => {});
    floods = 0;
    intake = new Intake(
      { perSecond: 1, burst: 100, maxPeers: 10 },
      {
        book: rig.book,
        conduct,
        now: () => rig.now(),
        monotonic,
        log: rig.log,
        flooded: () => floods++,
      },
    );
  });
  afterEach(() => rig.stop());

  const take = (encoded: `0x${string}`, peer: string | undefined = "p") =>
    intake.take("endpoint", hexToBytes(encoded), peer);
  const record = (issuedAt: number, by = key) => rootRecord(7n, by, { issuedAt });

  it("blames no peer for a message that an honest peer may send", async () => {
    await take(record(START));
    await take(record(START));
    await take(record(START - 1));
    // Clocks a minute apart, and the way between.
    await take(record(START - 60_000));
    await take(record(START + 60_001));
    const late = { issuedAt: START - 10, expiresAt: START };
    await take(subRecord(7n, { root: key, self: testKey(1) }, { issuedAt: START }, late));
    rig.authority.away = true;
    await take(record(START + 5));
    expect(conduct.score("p")).to.equal(0);
  });

  it("blames a peer for a message that no honest peer sends, and more for malformed data", async () => {
    expect(await take(record(START, thief))).to.include({ reason: "signer", fault: true });
    expect(conduct.score("p")).to.equal(-1);
    await take(record(START - 10 * 60_000));
    await take(record(START + 10 * 60_000));
    expect(conduct.score("p")).to.equal(-5);
    await take("0x1234");
    expect(conduct.score("p")).to.equal(-15);
    await intake.take("endpoint", hexToBytes(record(START, thief)), undefined);
    expect(conduct.score("p")).to.equal(-15);
  });

  it("blames no peer for a service that has just changed, nor for one that changes soon after", async () => {
    const next = testKey(77);
    // A peer that knows of the new key before we do.
    await take(record(START, next), "ahead");
    expect(conduct.score("ahead")).to.equal(-1);
    rig.authority.set(7n, next);
    rig.authority.tell(7n);
    intake.noteChange(7n);
    expect(conduct.score("ahead")).to.equal(0);
    // And one that does not know yet.
    await take(record(START + 1), "behind");
    expect(conduct.score("behind")).to.equal(0);
    rig.timers.pass(120_000);
    await take(record(START + 120_000), "behind");
    expect(conduct.score("behind")).to.equal(-1);
  });

  it("looks at no more than a peer may send, whatever it is", async () => {
    for (let i = 0; i < 100; i++) await take(record(START));
    const asked = rig.authority.asked.length;
    const verdict = await take(record(START + 1));
    expect(verdict).to.deep.equal({ outcome: "refused", reason: "flood", fault: true });
    expect([floods, conduct.score("p"), rig.authority.asked.length]).to.deep.equal([1, -1, asked]);
    expect(await take(record(START + 1), "q")).to.include({ outcome: "accepted" });
  });

  it("blames no peer for a fault of its own node", async () => {
    const broken = new Intake(
      { perSecond: 1, burst: 10, maxPeers: 10 },
      {
        book: { accept: (): Promise<Acceptance> => Promise.reject(new Error("disk")) },
        conduct,
        now: () => rig.now(),
        monotonic: () => 0,
        log: rig.log,
        flooded: () => {},
      },
    );
    const verdict = await broken.take("endpoint", new Uint8Array(3), "p");
    expect(verdict).to.deep.equal({ outcome: "refused", reason: "failed", fault: false });
    expect(conduct.score("p")).to.equal(0);
    expect(rig.log.said("error")).to.have.length(1);
  });
});
