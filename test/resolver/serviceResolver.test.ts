import { expect } from "chai";
import type { Hex } from "viem";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { resolveErrors, type Answer, type Change } from "../../src/resolver/answer.ts";
import { rootRecord, START, subId, subRecord, testKey } from "../support/coralKit.ts";
import { codeOf, failureOf } from "../support/failure.ts";
import { ResolverRig } from "../support/resolverRig.ts";

const KEY = testKey(1);
const NEW_KEY = testKey(2);
const DEVICE = testKey(3);
const SEVEN = rootServiceId(7n);
const DEVICE_ID = subId(7n, DEVICE);

const uris = (answer: Answer | undefined) => answer?.endpoints.map(({ uri }) => uri);

describe("a resolver", () => {
  let rig: ResolverRig;

  beforeEach(async () => {
    rig = new ResolverRig();
    rig.directory.set(7n, KEY);
    await rig.resolver.start();
  });
  afterEach(async () => {
    await rig.resolver.stop();
    expect(rig.directory.listeners + rig.network.listeners).to.equal(0);
    expect(rig.log.said("error")).to.deep.equal([]);
  });

  const code = async (name: string) => codeOf(await failureOf(rig.resolver.resolve(name)));
  const record = (at: number, uri?: string, lease = 60_000) =>
    rootRecord(7n, KEY, { issuedAt: START + at, lease }, uri);

  describe("on demand", () => {
    it("asks chain and network at once, and answers with the signed record", async () => {
      rig.directory.set(7n, KEY, { stake: 5n, verdicts: [{ epoch: 9, verdict: 2 }] });
      rig.network.put(record(0), KEY);
      const answer = await rig.resolver.resolve(SEVEN);
      expect(answer).to.deep.include({
        ...{ serviceId: SEVEN, name: undefined, record: record(0), source: "coral" },
        ...{ issuedAt: START, expiresAt: START + 60_000, superseded: false },
        service: rig.directory.services.get(7n),
      });
      expect(uris(answer)).to.deep.equal(["https://a.example"]);
    });

    it("finds once for a hundred that ask at once", async () => {
      const gate = Promise.withResolvers<undefined>();
      rig.network.gate = gate.promise;
      rig.network.put(record(0), KEY);
      const all = Array.from({ length: 100 }, () => rig.resolver.resolve(SEVEN));
      await rig.settle();
      expect(rig.resolver.load.waiting).to.equal(100);
      gate.resolve(undefined);
      const answers = await Promise.all(all);
      expect(rig.network.finds).to.have.length(1);
      expect(rig.directory.asked).to.equal(1);
      expect(new Set(answers.map(({ record: signed }) => signed)).size).to.equal(1);
      expect(rig.resolver.load.waiting).to.equal(0);
    });

    it("is called off when the last one leaves, not before", async () => {
      rig.network.gate = new Promise(() => {});
      const [first, second] = [new AbortController(), new AbortController()];
      const one = failureOf(rig.resolver.resolve(SEVEN, { signal: first.signal }));
      const two = failureOf(rig.resolver.resolve(SEVEN, { signal: second.signal }));
      await rig.settle();
      first.abort(new Error("left"));
      expect((await one).message).to.equal("left");
      await rig.settle();
      expect(rig.network.aborted).to.equal(0);
      second.abort(new Error("left"));
      await two;
      await rig.settle();
      expect(rig.network.aborted).to.equal(1);
    });

    it("gives up after its time", async () => {
      rig.network.gate = new Promise(() => {});
      expect(await rig.timers.play(code(SEVEN))).to.equal(resolveErrors.unreachable);
      expect(rig.timers.monotonic()).to.be.within(5_000, 6_000);
    });

    it("refuses lookups above its limits", async () => {
      await rig.resolver.stop();
      rig = new ResolverRig({ limits: { works: 2, waiting: 3 } });
      await rig.resolver.start();
      for (const number of [1n, 2n, 3n]) rig.directory.set(number, KEY);
      const gate = Promise.withResolvers<undefined>();
      rig.network.gate = gate.promise;
      const waiting = [1n, 1n, 2n].map((number) =>
        failureOf(rig.resolver.resolve(rootServiceId(number))),
      );
      await rig.settle();
      expect(await code(rootServiceId(1n))).to.equal(resolveErrors.busy);
      gate.resolve(undefined);
      await Promise.all(waiting);
      expect(rig.table.match(SEVEN).rule).to.include({ matches: 4, drops: 1 });
    });
  });

  describe("says what is wrong", () => {
    it("no such service, also when the network has a record", async () => {
      rig.network.put(rootRecord(8n, KEY, { issuedAt: START }), KEY);
      expect(await code(rootServiceId(8n))).to.equal(resolveErrors.unknown);
    });

    it("inactive, without waiting for the network", async () => {
      rig.directory.set(7n, KEY, { status: "Suspended" });
      rig.network.gate = new Promise(() => {});
      const error = await failureOf(rig.resolver.resolve(SEVEN));
      expect(codeOf(error)).to.equal(resolveErrors.inactive);
      expect(error.message).to.contain("Suspended");
      await rig.settle();
      expect(rig.network.aborted).to.equal(1);
    });

    it("nothing published", async () => {
      expect(await code(SEVEN)).to.equal(resolveErrors.noRecord);
    });

    it("no source that responds", async () => {
      rig.network.peers = 0;
      expect(await code(SEVEN)).to.equal(resolveErrors.unreachable);
      rig.directory.away = true;
      expect(await code(SEVEN)).to.equal(resolveErrors.unreachable);
    });

    it("no name", async () => {
      for (const text of ["", "weather", "a.b.c.bloc.alt", "0x07", `0x${"0".repeat(64)}`]) {
        expect(await code(text), text).to.equal(resolveErrors.invalid);
      }
    });
  });

  describe("while the lease runs", () => {
    beforeEach(async () => {
      rig.network.put(record(0), KEY);
      await rig.resolver.resolve(SEVEN);
    });

    it("answers at once while no source can be reached", async () => {
      rig.network.peers = 0;
      rig.network.failure = new Error("no network");
      rig.directory.away = true;
      await rig.timers.advance(59_999);
      expect(uris(rig.resolver.lookup(SEVEN))).to.deep.equal(["https://a.example"]);
      await rig.timers.advance(1);
      expect(rig.resolver.lookup(SEVEN)).to.equal(undefined);
      expect(await code(SEVEN)).to.equal(resolveErrors.stale);
    });

    it("looks for a newer record when a quarter of the lease is left, and keeps the held one if there is none", async () => {
      await rig.timers.advance(44_000);
      rig.resolver.lookup(SEVEN);
      await rig.settle();
      expect(rig.network.finds).to.have.length(1);
      await rig.timers.advance(1_000);
      rig.network.put(record(40_000, "https://b.example"), KEY);
      rig.resolver.lookup(SEVEN);
      await rig.settle();
      expect(rig.network.finds).to.have.length(2);
      expect(uris(rig.resolver.lookup(SEVEN))).to.deep.equal(["https://b.example"]);
    });

    it("follows a move that is pushed, and tells who watches", async () => {
      const heard: Change[] = [];
      const unwatch = rig.resolver.watch(SEVEN, (change) => heard.push(change));
      const all: Hex[] = [];
      rig.resolver.watchAll((serviceId) => all.push(serviceId));
      rig.network.push(record(1_000, "https://b.example"), KEY);
      expect(uris(rig.resolver.lookup(SEVEN))).to.deep.equal(["https://b.example"]);
      expect(heard).to.have.length(1);
      expect(all).to.deep.equal([SEVEN]);
      unwatch();
      rig.network.push(record(2_000, "https://c.example"), KEY);
      expect(heard).to.have.length(1);
      expect(all).to.have.length(2);
    });

    it("notifies watchers when it ends, then of the record that is found", async () => {
      const heard: Change[] = [];
      rig.resolver.watch(SEVEN, (change) => heard.push(change));
      await rig.timers.advance(59_000);
      rig.network.put(record(58_000, "https://b.example"), KEY);
      expect(heard).to.have.length(0);
      await rig.timers.advance(1_000);
      expect(heard[0]).to.have.nested.property("error.code", resolveErrors.stale);
      expect(uris((heard[1] as { answer: Answer }).answer)).to.deep.equal(["https://b.example"]);
    });

    it("drops what a replaced key signed, the moment the registry tells", async () => {
      const heard: Change[] = [];
      rig.resolver.watch(SEVEN, (change) => heard.push(change));
      rig.directory.set(7n, NEW_KEY);
      rig.directory.tell(7n);
      expect(rig.resolver.lookup(SEVEN)).to.equal(undefined);
      // The network has not dropped it yet: it does not hold all the same.
      expect(await code(SEVEN)).to.equal(resolveErrors.noRecord);
      await rig.settle();
      expect(heard).to.have.length(1);
      expect(heard[0]).to.have.nested.property("error.code", resolveErrors.noRecord);
      rig.network.push(
        rootRecord(7n, NEW_KEY, { issuedAt: START + 5 }, "https://n.example"),
        NEW_KEY,
      );
      expect(uris(rig.resolver.lookup(SEVEN))).to.deep.equal(["https://n.example"]);
      expect(heard).to.have.length(2);
    });

    it("drops what becomes inactive", async () => {
      rig.directory.set(7n, KEY, { status: "Maintenance" });
      rig.directory.tell(7n);
      expect(rig.resolver.lookup(SEVEN)).to.equal(undefined);
      expect(await code(SEVEN)).to.equal(resolveErrors.inactive);
    });

    it("does not hold a result that was read before the registry's change", async () => {
      rig.directory.tell(7n);
      const gate = Promise.withResolvers<undefined>();
      rig.network.held.delete(SEVEN);
      rig.network.gate = gate.promise;
      const waiting = failureOf(rig.resolver.resolve(SEVEN));
      await rig.settle();
      rig.directory.set(7n, NEW_KEY);
      rig.directory.tell(7n);
      gate.resolve(undefined);
      expect(codeOf(await waiting)).to.equal(resolveErrors.noRecord);
      expect(rig.resolver.lookup(SEVEN)).to.equal(undefined);
    });

    it("is looked up again when the network says that it dropped it", async () => {
      rig.network.held.clear();
      rig.network.elsewhere.clear();
      rig.network.arrive({ kind: "dropped", number: 7n });
      expect(rig.resolver.lookup(SEVEN)).to.equal(undefined);
    });
  });

  describe("without the network", () => {
    beforeEach(() => {
      rig.network.peers = 0;
    });

    it("answers with the announcement on chain", async () => {
      rig.announcements.records.set(7n, record(0, "https://c.example", 24 * 3600_000));
      const answer = await rig.resolver.resolve(SEVEN);
      expect(answer).to.include({ source: "announcement", superseded: false });
      expect(uris(answer)).to.deep.equal(["https://c.example"]);
    });

    it("says that a newer record was seen, which has expired", async () => {
      rig.announcements.records.set(7n, record(0, "https://c.example", 24 * 3600_000));
      rig.network.peers = 3;
      rig.network.put(record(10), KEY);
      expect((await rig.resolver.resolve(SEVEN)).source).to.equal("coral");
      rig.network.peers = 0;
      await rig.timers.advance(61_000);
      const answer = await rig.resolver.resolve(SEVEN);
      expect(answer).to.include({ source: "announcement", superseded: true });
      rig.network.push(record(61_000, "https://d.example"), KEY);
      expect(rig.resolver.lookup(SEVEN)).to.include({ source: "coral", superseded: false });
    });

    it("accepts no announcement of another key or another service, and no expired one", async () => {
      const lease = 24 * 3600_000;
      for (const encoded of [
        rootRecord(7n, NEW_KEY, { issuedAt: START, lease }),
        rootRecord(8n, KEY, { issuedAt: START, lease }),
        record(-70_000),
      ]) {
        rig.announcements.records.set(7n, encoded);
        expect(await code(SEVEN)).to.equal(resolveErrors.unreachable);
        await rig.timers.advance(10_000);
      }
    });
  });

  describe("remembers failures for a while", () => {
    it("and sends no query meanwhile", async () => {
      expect(await code(SEVEN)).to.equal(resolveErrors.noRecord);
      expect(await code(SEVEN)).to.equal(resolveErrors.noRecord);
      expect(rig.network.finds).to.have.length(1);
      await rig.timers.advance(5_000);
      expect(await code(SEVEN)).to.equal(resolveErrors.noRecord);
      expect(rig.network.finds).to.have.length(2);
    });

    it("forgets them when the network brings something", async () => {
      expect(await code(SEVEN)).to.equal(resolveErrors.noRecord);
      rig.network.push(record(0), KEY);
      expect((await rig.resolver.resolve(SEVEN)).source).to.equal("coral");
    });

    it("and when the registry tells", async () => {
      const eight = rootServiceId(8n);
      expect(await code(eight)).to.equal(resolveErrors.unknown);
      rig.directory.set(8n, KEY);
      expect(await code(eight)).to.equal(resolveErrors.unknown);
      rig.directory.tell(8n);
      expect(await code(eight)).to.equal(resolveErrors.noRecord);
    });

    it("not those that say nothing of the service", async () => {
      rig.directory.away = true;
      expect(await code(SEVEN)).to.equal(resolveErrors.unreachable);
      rig.directory.away = false;
      expect(await code(SEVEN)).to.equal(resolveErrors.noRecord);
    });
  });

  describe("of a sub-service", () => {
    const keys = { root: KEY, self: DEVICE };

    it("answers with facts of its root, as long as the delegation runs", async () => {
      const delegated = { expiresAt: START + 30_000 };
      rig.network.put(subRecord(7n, keys, { issuedAt: START }, delegated), KEY);
      const answer = await rig.resolver.resolve(DEVICE_ID);
      expect(answer).to.deep.include({ serviceId: DEVICE_ID, expiresAt: START + 30_000 });
      expect(answer.service?.number).to.equal(7n);
      await rig.timers.advance(30_000);
      expect(await code(DEVICE_ID)).to.equal(resolveErrors.delegation);
    });

    it("ends with a revocation", async () => {
      rig.network.put(subRecord(7n, keys, { issuedAt: START }), KEY);
      await rig.resolver.resolve(DEVICE_ID);
      const heard: Change[] = [];
      rig.resolver.watch(DEVICE_ID, (change) => heard.push(change));
      const revocation = {
        serviceId: DEVICE_ID,
        issuedAt: BigInt(START),
        expiresAt: BigInt(START + 1),
      };
      rig.network.revoked.set(DEVICE_ID, BigInt(START));
      rig.network.arrive({
        ...{ kind: "revocation", serviceId: DEVICE_ID },
        revocation: { encoded: "0x", revocation, digest: "0x" },
      });
      expect(rig.resolver.lookup(DEVICE_ID)).to.equal(undefined);
      expect(await code(DEVICE_ID)).to.equal(resolveErrors.delegation);
      await rig.settle();
      expect(heard[0]).to.have.nested.property("error.code", resolveErrors.delegation);
    });

    it("goes when its root's key does", async () => {
      rig.network.put(subRecord(7n, keys, { issuedAt: START }), KEY);
      await rig.resolver.resolve(DEVICE_ID);
      rig.directory.set(7n, NEW_KEY);
      rig.directory.tell(7n);
      expect(rig.resolver.lookup(DEVICE_ID)).to.equal(undefined);
      expect(await code(DEVICE_ID)).to.equal(resolveErrors.noRecord);
    });
  });

  it("reads verdicts anew when an epoch is final, while it answers", async () => {
    await rig.resolver.stop();
    rig = new ResolverRig({ timing: { genesis: START / 1000, epochSeconds: 20 } });
    rig.directory.set(7n, KEY, { verdicts: [{ epoch: 1, verdict: 3 }] });
    await rig.resolver.start();
    rig.network.put(record(0), KEY);
    await rig.resolver.resolve(SEVEN);
    rig.directory.set(7n, KEY, { verdicts: [{ epoch: 2, verdict: 0 }] });
    await rig.timers.advance(19_000);
    rig.resolver.lookup(SEVEN);
    await rig.settle();
    expect(rig.resolver.lookup(SEVEN)?.service?.verdicts[0]?.epoch).to.equal(1);
    await rig.timers.advance(1_000);
    expect(rig.resolver.lookup(SEVEN)?.service?.verdicts[0]?.epoch).to.equal(1);
    await rig.settle();
    expect(rig.resolver.lookup(SEVEN)?.service?.verdicts[0]?.epoch).to.equal(2);
    expect(rig.network.finds).to.have.length(1);
  });

  it("bounds the held answers, and keeps those that are watched or used", async () => {
    await rig.resolver.stop();
    rig = new ResolverRig({ limits: { entries: 8, watchers: 2 } });
    await rig.resolver.start();
    const ids = Array.from({ length: 30 }, (_, index) => rootServiceId(BigInt(index + 1)));
    rig.resolver.watch(ids[0]!, () => {});
    for (const [index, serviceId] of ids.entries()) {
      rig.directory.set(BigInt(index + 1), KEY);
      rig.network.put(rootRecord(BigInt(index + 1), KEY, { issuedAt: START }), KEY);
      await rig.resolver.resolve(serviceId);
      rig.resolver.lookup(ids[1]!);
    }
    expect(rig.resolver.load.entries).to.equal(10);
    for (const kept of [ids[0]!, ids[1]!, ids[29]!]) {
      expect(rig.resolver.lookup(kept)).to.not.equal(undefined);
    }
    expect(rig.resolver.lookup(ids[5]!)).to.equal(undefined);
    rig.resolver.watch(ids[3]!, () => {});
    try {
      rig.resolver.watch(ids[2]!, () => {});
      expect.fail("took a third watcher");
    } catch (error) {
      expect(error).to.have.property("code", resolveErrors.busy);
    }
  });

  it("goes on when a watcher fails", async () => {
    rig.network.put(record(0), KEY);
    const heard: Change[] = [];
    rig.resolver.watch(SEVEN, () => {
      throw new Error("a bug of mine");
    });
    rig.resolver.watch(SEVEN, (change) => heard.push(change));
    await rig.resolver.resolve(SEVEN);
    expect(heard).to.have.length(1);
    expect(rig.log.lines.splice(0).map(({ message }) => message)).to.deep.equal([
      "a watcher failed",
    ]);
  });
});
