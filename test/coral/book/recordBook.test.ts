import { expect } from "chai";
import fc from "fast-check";
import { concat, size, type Hex } from "viem";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { MAX_RECORD_BYTES } from "../../../src/protocol/record.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { BookRig } from "../../support/bookRig.ts";
import {
  describeArrival,
  nameRecord,
  revocation,
  rootRecord,
  START,
  subId,
  subRecord,
  testKey,
} from "../../support/coralKit.ts";

const root = testKey(7);
const self = testKey(70);
const thief = testKey(666);
const id = rootServiceId(7n);
const device = subId(7n, self);

describe("RecordBook", () => {
  let rig: BookRig;
  beforeEach(async () => {
    rig = await new BookRig().start();
    rig.authority.set(7n, root);
    rig.authority.set(8n, testKey(8));
  });
  afterEach(() => rig.stop());

  describe("takes in", () => {
    it("a root service's record, from hexadecimal or bytes, and gives it out in any case of letters", async () => {
      const encoded = rootRecord(7n, root, { issuedAt: START });
      await rig.accepts("endpoint", hexToBytes(encoded));
      expect(rig.book.record(id.toUpperCase().replace("X", "x") as Hex)?.encoded).to.equal(encoded);
      expect(rig.arrivals.map(describeArrival)).to.deep.equal([`endpoint ${id}`]);
    });

    it("a sub-service's record under the root's delegation", async () => {
      await rig.accepts("endpoint", subRecord(7n, { root, self }, { issuedAt: START }));
      expect(rig.book.record(device)?.delegation?.serviceId).to.equal(device);
    });

    it("a name, a newer meaning of it, and that it means nothing any more", async () => {
      const give = (serviceId: Hex, issuedAt: number) =>
        nameRecord(7n, root, { label: "door", serviceId }, { issuedAt });
      await rig.accepts("name", give(device, START));
      expect(rig.book.name(id, "door")?.record.serviceId).to.equal(device);
      await rig.accepts("name", give(`0x${"00".repeat(32)}`, START + 1));
      expect(BigInt(rig.book.name(id, "door")!.record.serviceId)).to.equal(0n);
      await rig.refuses("older", "name", give(device, START));
      expect(rig.arrivals.map(describeArrival)).to.deep.equal([`name ${id}`, `name ${id}`]);
    });

    it("a later version, and the same one a second time as known", async () => {
      const first = rootRecord(7n, root, { issuedAt: START });
      const second = rootRecord(7n, root, { issuedAt: START + 1 }, "https://b.example");
      await rig.accepts("endpoint", first);
      await rig.knows("endpoint", first);
      await rig.accepts("endpoint", second);
      await rig.knows("endpoint", second);
      expect(rig.book.record(id)?.encoded).to.equal(second);
      expect(rig.refused.size).to.equal(0);
    });

    it("of two versions of one moment the one with the lower digest, in either order", async () => {
      const pair = ["https://a.example", "https://b.example"].map((uri) =>
        rootRecord(7n, root, { issuedAt: START }, uri),
      );
      await rig.accepts("endpoint", pair[0]!);
      const first = rig.book.record(id)!.digest;
      const second = await rig.book.accept("endpoint", pair[1]!);
      const other = await new BookRig({ authority: rig.authority }).start();
      await other.accepts("endpoint", pair[1]!);
      const digest = other.book.record(id)!.digest;
      expect(second.outcome).to.equal(digest < first ? "accepted" : "refused");
      await other.book.accept("endpoint", pair[0]!);
      expect(other.book.record(id)!.encoded).to.equal(rig.book.record(id)!.encoded);
      await other.stop();
    });

    it("1,000 sub-services under one registration", async () => {
      const keys = Array.from({ length: 1_000 }, (_, index) => testKey(10_000 + index));
      const records = keys.map((key) => subRecord(7n, { root, self: key }, { issuedAt: START }));
      const taken = await Promise.all(
        records.map((encoded) => rig.book.accept("endpoint", encoded)),
      );
      expect(taken.filter(({ outcome }) => outcome === "accepted")).to.have.length(1_000);
      expect(rig.book.held.records).to.equal(1_000);
      for (const key of [keys[0]!, keys[999]!]) {
        expect(rig.book.record(subId(7n, key))?.signer).to.match(/^0x/);
      }
    });
  });

  describe("refuses, counts, and keeps nothing of", () => {
    const good = (issuedAt = START) => rootRecord(7n, root, { issuedAt });

    it("bytes that are no record", async () => {
      for (const bytes of ["0x", "0x00", `0x${"ff".repeat(600)}`] as const) {
        await rig.refuses("malformed", "endpoint", bytes);
        await rig.refuses("malformed", "name", bytes.slice(0, 200) as Hex);
        await rig.refuses("malformed", "revocation", bytes.slice(0, 200) as Hex);
      }
      await rig.refuses("malformed", "endpoint", concat([good(), "0x00"]));
      await rig.refuses("malformed", "name", good().slice(0, 1200) as Hex);
      expect(rig.authority.asked).to.deep.equal([]);
    });

    it("a signature that is none", async () => {
      const encoded = good();
      const at = encoded.length - 64 * 3 - 20;
      const flipped = encoded[at] === "0" ? "1" : "0";
      const broken = `${encoded.slice(0, at)}${flipped}${encoded.slice(at + 1)}` as Hex;
      const { outcome } = await rig.book.accept("endpoint", broken);
      expect(outcome).to.equal("refused");
      expect((rig.refused.get("signer") ?? 0) + (rig.refused.get("malformed") ?? 0)).to.equal(1);
    });

    it("a message above the size limit of its kind, without decoding it", async () => {
      const long: Hex = `0x${"00".repeat(MAX_RECORD_BYTES + 1)}`;
      await rig.refuses("oversized", "endpoint", long);
      await rig.refuses("oversized", "name", long);
      await rig.refuses("oversized", "revocation", hexToBytes(long));
      expect(size(long)).to.equal(MAX_RECORD_BYTES + 1);
    });

    it("an expired lease", async () => {
      await rig.refuses("expired", "endpoint", good(START - 60_000));
      expect(rig.authority.asked).to.deep.equal([]);
    });

    it("a time further ahead than clocks may differ", async () => {
      await rig.refuses("ahead", "endpoint", good(START + 60_001));
      await rig.accepts("endpoint", good(START + 60_000));
    });

    it("an older version, before the chain is asked", async () => {
      await rig.accepts("endpoint", subRecord(7n, { root, self }, { issuedAt: START + 1 }));
      const asked = rig.authority.asked.length;
      await rig.refuses("older", "endpoint", subRecord(7n, { root, self }, { issuedAt: START }));
      expect(rig.authority.asked).to.have.length(asked);
      await rig.accepts("endpoint", good(START + 1));
      await rig.refuses("older", "endpoint", good(START));
    });

    it("another key's signature", async () => {
      await rig.refuses("signer", "endpoint", rootRecord(7n, thief, { issuedAt: START }));
      const forged = subRecord(7n, { root, self, signer: thief }, { issuedAt: START });
      await rig.refuses("signer", "endpoint", forged);
      const name = nameRecord(7n, thief, { label: "a", serviceId: device }, { issuedAt: START });
      await rig.refuses("signer", "name", name);
      await rig.refuses("signer", "revocation", revocation(thief, device, { issuedAt: START }));
    });

    it("a sub-service that the root did not delegate to", async () => {
      const forged = subRecord(7n, { root: thief, self }, { issuedAt: START });
      await rig.refuses("delegation", "endpoint", forged);
    });

    it("an expired delegation", async () => {
      const times = { issuedAt: START - 10, expiresAt: START };
      const late = subRecord(7n, { root, self }, { issuedAt: START }, times);
      await rig.refuses("delegation-expired", "endpoint", late);
    });

    it("a delegation that was taken back", async () => {
      await rig.accepts("revocation", revocation(root, device, { issuedAt: START + 5 }));
      const record = subRecord(7n, { root, self }, { issuedAt: START + 10 });
      await rig.refuses("revoked", "endpoint", record);
      const anew = { issuedAt: START + 6, expiresAt: START + 60_000 };
      await rig.accepts("endpoint", subRecord(7n, { root, self }, { issuedAt: START + 11 }, anew));
    });

    it("a service that does not exist", async () => {
      await rig.refuses("unknown", "endpoint", rootRecord(99n, root, { issuedAt: START }));
    });

    it("a service that is not active", async () => {
      rig.authority.set(7n, root, false);
      await rig.refuses("inactive", "endpoint", good());
    });

    it("anything while the chain cannot be asked, and takes it once it can", async () => {
      rig.authority.away = true;
      await rig.refuses("unavailable", "endpoint", good());
      rig.authority.away = false;
      await rig.accepts("endpoint", good());
    });

    it("a revocation of a root service, which has no delegation", async () => {
      await rig.refuses("malformed", "revocation", revocation(root, id, { issuedAt: START }));
    });

    it("more updates than a service may make; forged ones do not count", async () => {
      const busy = await new BookRig({
        authority: rig.authority,
        limits: { updates: { perSecond: 1, burst: 2 } },
      }).start();
      // What others sign in its name uses nothing up.
      for (let i = 0; i < 5; i++) {
        await busy.refuses("signer", "endpoint", rootRecord(7n, thief, { issuedAt: START + i }));
      }
      await busy.accepts("endpoint", good(START));
      await busy.accepts("endpoint", good(START + 1));
      await busy.refuses("rate", "endpoint", good(START + 2));
      busy.timers.pass(1_000);
      await busy.accepts("endpoint", good(START + 2));
      await busy.stop();
    });
  });

  it("survives 1,000 messages with changed bytes, and keeps none", async () => {
    const honest = hexToBytes(subRecord(7n, { root, self }, { issuedAt: START }));
    const kind = fc.constantFrom("endpoint", "name", "revocation");
    const change = fc.tuple(fc.nat({ max: honest.length - 1 }), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(
        kind,
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.nat({ max: honest.length }),
        async (as, changes, cut) => {
          const bytes = honest.slice(0, cut % 3 === 0 ? cut : honest.length);
          for (const [at, by] of changes) if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ by;
          if (bytes.every((byte, at) => byte === honest[at]) && bytes.length === honest.length)
            return;
          expect((await rig.book.accept(as, bytes)).outcome).to.equal("refused");
        },
      ),
      { numRuns: 1_000 },
    );
    expect([rig.book.held.records, rig.store.floorsOf(7n), rig.arrivals.length]).to.deep.equal([
      0, 0, 0,
    ]);
  });

  it("adds no floor for invalid messages", async () => {
    for (let i = 0; i < 20; i++) {
      await rig.refuses("signer", "endpoint", rootRecord(7n, thief, { issuedAt: START + i }));
      const key = testKey(500 + i);
      await rig.refuses(
        "delegation",
        "endpoint",
        subRecord(7n, { root: thief, self: key }, { issuedAt: START }),
      );
    }
    expect(rig.store.floorsOf(7n)).to.equal(0);
  });
});
