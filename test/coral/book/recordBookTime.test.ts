import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { BookRig } from "../../support/bookRig.ts";
import {
  describeArrival,
  FakeAuthority,
  nameRecord,
  revocation,
  rootRecord,
  START,
  subId,
  subRecord,
  testKey,
} from "../../support/coralKit.ts";

const root = testKey(7);
const next = testKey(77);
const self = testKey(70);
const id = rootServiceId(7n);
const device = subId(7n, self);
const DAY = 24 * 3600 * 1000;

describe("RecordBook over time", () => {
  let rig: BookRig;

  beforeEach(async () => {
    rig = await new BookRig().start();
    rig.authority.set(7n, root);
    rig.authority.set(8n, testKey(8));
  });
  afterEach(() => rig.stop());

  it("gives a record out to the last millisecond of its lease, and drops it then", async () => {
    await rig.accepts("endpoint", rootRecord(7n, root, { issuedAt: START }));
    rig.timers.pass(59_999);
    expect(rig.book.record(id)).not.to.equal(undefined);
    rig.timers.pass(1);
    expect(rig.book.record(id)).to.equal(undefined);
    await rig.timers.advance(5_000);
    expect(rig.book.held.records).to.equal(0);
  });

  it("gives a sub-service's record out no longer than its delegation runs", async () => {
    const delegated = { expiresAt: START + 1_000 };
    await rig.accepts("endpoint", subRecord(7n, { root, self }, { issuedAt: START }, delegated));
    rig.timers.pass(1_000);
    expect(rig.book.record(device)).to.equal(undefined);
  });

  it("ends with the newer of two records that wait for the chain, in either order", async () => {
    const older = rootRecord(7n, root, { issuedAt: START });
    const newer = rootRecord(7n, root, { issuedAt: START + 1 });
    for (const pair of [
      [older, newer],
      [newer, older],
    ]) {
      const other = await new BookRig({ authority: rig.authority }).start();
      const gate = Promise.withResolvers();
      rig.authority.gate = gate.promise;
      const waiting = pair.map((encoded) => other.book.accept("endpoint", encoded));
      gate.resolve(undefined);
      await Promise.all(waiting);
      expect(other.book.record(id)?.encoded).to.equal(newer);
      await other.stop();
    }
  });

  it("takes no record by a key that was replaced while the chain was asked", async () => {
    const gate = Promise.withResolvers();
    rig.authority.gate = gate.promise;
    const taken = rig.book.accept("endpoint", rootRecord(7n, root, { issuedAt: START }));
    rig.authority.set(7n, next);
    rig.authority.tell(7n);
    gate.resolve(undefined);
    const acceptance = await taken;
    expect(acceptance.outcome === "refused" && acceptance.reason).to.equal("signer");
    expect(rig.book.record(id)).to.equal(undefined);
  });

  describe("when the registry says that a service changed", () => {
    const settle = () => rig.timers.advance(0);

    beforeEach(async () => {
      await rig.accepts("endpoint", rootRecord(7n, root, { issuedAt: START }));
      await rig.accepts("endpoint", subRecord(7n, { root, self }, { issuedAt: START }));
      await rig.accepts(
        "name",
        nameRecord(7n, root, { label: "door", serviceId: device }, { issuedAt: START }),
      );
      await rig.accepts("endpoint", rootRecord(8n, testKey(8), { issuedAt: START }));
      rig.arrivals.length = 0;
    });
    const heldOf7 = () => [
      rig.book.record(id) !== undefined,
      rig.book.record(device) !== undefined,
      rig.book.name(id, "door") !== undefined,
    ];

    it("drops the messages and delegations of its old key, and those of no other service", async () => {
      rig.authority.set(7n, next);
      rig.authority.tell(7n);
      await settle();
      expect(heldOf7()).to.deep.equal([false, false, false]);
      expect(rig.book.record(rootServiceId(8n))).not.to.equal(undefined);
      expect(rig.arrivals.map(describeArrival)).to.deep.equal(["dropped 7"]);
    });

    it("keeps messages that are still valid, and notifies no listener", async () => {
      rig.authority.tell(7n);
      await settle();
      expect(heldOf7()).to.deep.equal([true, true, true]);
      expect(rig.arrivals).to.deep.equal([]);
    });

    it("drops everything of one that is not active any more, or is gone", async () => {
      rig.authority.set(7n, root, false);
      rig.authority.tell(7n);
      await settle();
      expect(heldOf7()).to.deep.equal([false, false, false]);
    });

    it("drops everything where the chain does not say whether it still holds", async () => {
      rig.authority.away = true;
      rig.authority.tell(7n);
      await settle();
      expect(heldOf7()).to.deep.equal([true, true, true]);
      await rig.timers.advance(2_000);
      expect(heldOf7()).to.deep.equal([false, false, false]);
      expect(rig.arrivals.map(describeArrival)).to.deep.equal(["dropped 7"]);
    });

    it("takes records by the new key at once, and none by the old one", async () => {
      rig.authority.set(7n, next);
      rig.authority.tell(7n);
      await settle();
      await rig.refuses("signer", "endpoint", rootRecord(7n, root, { issuedAt: START + 9 }));
      await rig.accepts("endpoint", rootRecord(7n, next, { issuedAt: START + 1 }));
      await rig.refuses(
        "delegation",
        "endpoint",
        subRecord(7n, { root, self }, { issuedAt: START + 9 }),
      );
    });

    it("stops listening when it stops", async () => {
      const other = await new BookRig({ authority: rig.authority }).start();
      expect(rig.authority.listeners).to.equal(2);
      await other.stop();
      expect(rig.authority.listeners).to.equal(1);
    });
  });

  describe("revocations", () => {
    it("drop the sub-service's record at once, and leave one under a later delegation", async () => {
      await rig.accepts("endpoint", subRecord(7n, { root, self }, { issuedAt: START }));
      await rig.accepts("revocation", revocation(root, device, { issuedAt: START - 1 }));
      expect(rig.book.record(device)).not.to.equal(undefined);
      await rig.accepts("revocation", revocation(root, device, { issuedAt: START }));
      expect(rig.book.record(device)).to.equal(undefined);
      expect(rig.book.revokedUpTo(device)).to.equal(BigInt(START));
      await rig.refuses("older", "revocation", revocation(root, device, { issuedAt: START - 1 }));
      expect(rig.arrivals.map(describeArrival)).to.deep.equal([
        `endpoint ${device}`,
        `revocation ${device}`,
        `revocation ${device}`,
      ]);
    });

    it("by a replaced key hinder no delegation by the new one", async () => {
      await rig.accepts("revocation", revocation(root, device, { issuedAt: START }));
      rig.authority.set(7n, next);
      rig.authority.tell(7n);
      await rig.accepts("endpoint", subRecord(7n, { root: next, self }, { issuedAt: START }));
    });
  });

  describe("bounds", () => {
    const sub = (seed: number) => subRecord(7n, { root, self: testKey(seed) }, { issuedAt: START });
    const holds = (book: BookRig, seed: number) =>
      book.book.record(subId(7n, testKey(seed))) !== undefined;

    it("a root's sub-services crowd out each other, the least recently used first, and no other root", async () => {
      const small = await new BookRig({
        authority: rig.authority,
        limits: { recordsPerRoot: 2 },
      }).start();
      await small.accepts("endpoint", rootRecord(8n, testKey(8), { issuedAt: START }));
      await small.accepts("endpoint", sub(1));
      await small.accepts("endpoint", sub(2));
      expect(holds(small, 1)).to.equal(true);
      await small.accepts("endpoint", sub(3));
      expect([1, 2, 3].map((seed) => holds(small, seed))).to.deep.equal([true, false, true]);
      expect(small.book.record(rootServiceId(8n))).not.to.equal(undefined);
      // What was crowded out comes back as it was, and an older one does not.
      await small.accepts("endpoint", sub(2));
      await small.stop();
    });

    it("all records and all names together", async () => {
      const small = await new BookRig({
        authority: rig.authority,
        limits: { records: 2, names: 2, namesPerRoot: 10 },
      }).start();
      for (let seed = 1; seed <= 4; seed++) {
        await small.accepts("endpoint", sub(seed));
        await small.accepts(
          "name",
          nameRecord(7n, root, { label: `n${seed}`, serviceId: device }, { issuedAt: START }),
        );
      }
      expect(small.book.held).to.deep.equal({ records: 2, names: 2 });
      expect(small.book.name(id, "n1")).to.equal(undefined);
      await small.stop();
    });

    it("a root's floors: no more are begun, and those that there are still count", async () => {
      const small = await new BookRig({
        authority: rig.authority,
        limits: { floorsPerRoot: 2 },
      }).start();
      await small.accepts("endpoint", sub(1));
      await small.accepts("endpoint", sub(2));
      await small.refuses("crowded", "endpoint", sub(3));
      const again = subRecord(7n, { root, self: testKey(1) }, { issuedAt: START + 1 });
      await small.accepts("endpoint", again);
      await small.refuses("older", "endpoint", sub(1));
      small.timers.pass(DAY + 1_000);
      small.store.prune();
      const later = { issuedAt: START + DAY };
      const delegated = { issuedAt: START, expiresAt: START + 2 * DAY };
      await small.accepts("endpoint", subRecord(7n, { root, self: testKey(3) }, later, delegated));
      await small.stop();
    });

    it("reads of the chain that are under way", async () => {
      const gate = Promise.withResolvers();
      const authority = new FakeAuthority();
      authority.gate = gate.promise;
      for (const number of [1n, 2n, 3n]) authority.set(number, testKey(Number(number)));
      const small = await new BookRig({ authority, limits: { reads: 2 } }).start();
      const record = (number: bigint, at = START) =>
        rootRecord(number, testKey(Number(number)), { issuedAt: at });
      const waiting = [record(1n), record(2n), record(1n, START + 1)].map((encoded) =>
        small.book.accept("endpoint", encoded),
      );
      await small.refuses("unavailable", "endpoint", record(3n));
      gate.resolve(undefined);
      expect((await Promise.all(waiting)).map(({ outcome }) => outcome)).to.deep.equal([
        "accepted",
        "accepted",
        "accepted",
      ]);
      expect(authority.asked).to.deep.equal([1n, 2n]);
      await small.accepts("endpoint", record(3n));
      await small.stop();
    });
  });

  describe("over a restart", () => {
    let folder: string;
    const file = () => path.join(folder, "coral.sqlite");
    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), "coral-"));
    });
    afterEach(() => {
      rmSync(folder, { recursive: true });
    });
    const open = (start = START) =>
      new BookRig({ file: file(), authority: rig.authority, start }).start();

    it("knows the versions it had, though it was killed", async () => {
      const first = await open();
      await first.accepts("endpoint", rootRecord(7n, root, { issuedAt: START + 5 }));
      await first.accepts("endpoint", subRecord(7n, { root, self }, { issuedAt: START + 5 }));
      // The group is committed; nothing is closed, as in a crash.
      await first.timers.advance(50);
      const revoked = revocation(root, subId(7n, next), { issuedAt: START });
      await first.accepts("revocation", revoked);
      const soon = await open();
      expect(soon.book.revokedUpTo(subId(7n, next))).to.equal(undefined);
      expect(soon.store.floorsOf(7n)).to.equal(2);
      await soon.stop();
      await first.timers.advance(50);
      const second = await open();
      await second.refuses("older", "endpoint", rootRecord(7n, root, { issuedAt: START + 4 }));
      await second.refuses(
        "older",
        "endpoint",
        subRecord(7n, { root, self }, { issuedAt: START + 4 }),
      );
      await second.refuses(
        "revoked",
        "endpoint",
        subRecord(7n, { root, self: next }, { issuedAt: START + 9 }),
      );
      await second.accepts("endpoint", rootRecord(7n, root, { issuedAt: START + 5 }));
      expect(second.store.floorsOf(7n)).to.equal(3);
      await second.stop();
      await first.stop();
    });

    it("has at most a group of writes that a crash forgets, and none that a stop does", async () => {
      const first = await open();
      await first.accepts("endpoint", rootRecord(7n, root, { issuedAt: START + 5 }));
      const meanwhile = await open();
      expect(meanwhile.store.floor("endpoint", id, addressOfKey(root))).to.equal(undefined);
      await meanwhile.stop();
      await first.stop();
      const second = await open();
      await second.refuses("older", "endpoint", rootRecord(7n, root, { issuedAt: START + 4 }));
      await second.stop();
    });

    it("forgets a floor once nothing below it could hold, and no earlier", async () => {
      const first = await open();
      await first.accepts("endpoint", rootRecord(7n, root, { issuedAt: START, lease: DAY }));
      await first.accepts(
        "name",
        nameRecord(7n, root, { label: "a", serviceId: device }, { issuedAt: START }),
      );
      await first.stop();
      const before = await open(START + DAY - 1);
      expect(before.store.floorsOf(7n)).to.equal(2);
      await before.stop();
      const after = await open(START + DAY);
      expect(after.store.floorsOf(7n)).to.equal(1);
      await after.stop();
      const year = await open(START + 366 * DAY);
      expect(year.store.floorsOf(7n)).to.equal(0);
      await year.stop();
    });
  });
});
