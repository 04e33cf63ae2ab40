import { expect } from "chai";
import type { Hex } from "viem";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import type { Verdict } from "../../src/protocol/tally.ts";
import { resolveErrors } from "../../src/resolver/answer.ts";
import type { FoundRecord } from "../../src/resolver/lookup/recordLookup.ts";
import { parsePrefix } from "../../src/resolver/table/prefix.ts";
import type { Action } from "../../src/resolver/table/rule.ts";
import { codeOf, failureOf } from "../support/failure.ts";
import { domain, rootRecord, START, testKey } from "../support/coralKit.ts";
import { ResolverRig } from "../support/resolverRig.ts";
import { checkRecord } from "../../src/protocol/checkRecord.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";

const KEY = testKey(1);
const SEVEN = rootServiceId(7n);
const EIGHT = rootServiceId(8n);
const NINE = rootServiceId(9n);

describe("a resolver's service table", () => {
  let rig: ResolverRig;
  let forwarded: { url: string; serviceId: Hex; hops: readonly string[] }[];
  let remote: (serviceId: Hex) => Promise<FoundRecord>;
  let rules = 0;

  beforeEach(async () => {
    forwarded = [];
    remote = () => Promise.reject(new BlockcloudError(resolveErrors.noRecord, "None."));
    const client = {
      async resolve(url: string, serviceId: Hex, hops: readonly string[]) {
        forwarded.push({ url, serviceId, hops });
        // To check the answer.
        await rig.directory.facts(7n);
        return remote(serviceId);
      },
    };
    rig = new ResolverRig({}, { remote: client });
    await rig.resolver.start();
    for (const number of [7n, 8n, 9n]) {
      rig.directory.set(number, KEY);
      const record = rootRecord(number, KEY, { issuedAt: START }, `https://s${number}.example`);
      rig.network.put(record, KEY);
    }
  });
  afterEach(async () => {
    await rig.resolver.stop();
  });

  function rule(prefix: string, action: Action, rest: { weight?: number; priority?: number } = {}) {
    rules += 1;
    const spec = {
      id: rules,
      prefix: parsePrefix(prefix),
      action,
      priority: 0,
      weight: 1,
      ...rest,
    };
    rig.table.add(spec);
    return rules;
  }
  const firstUri = async (name: string) => (await rig.resolver.resolve(name)).endpoints[0]?.uri;
  const code = async (name: string) => codeOf(await failureOf(rig.resolver.resolve(name)));
  const counted = (id: number) => {
    const found = rig.table.rules().find((each) => each.id === id);
    return { matches: found?.matches, drops: found?.drops };
  };

  it("drops", async () => {
    await rig.resolver.resolve(SEVEN);
    const id = rule(SEVEN, { kind: "drop" });
    expect(rig.resolver.lookup(SEVEN)).to.equal(undefined);
    expect(await code(SEVEN)).to.equal(resolveErrors.dropped);
    expect(counted(id)).to.deep.equal({ matches: 1, drops: 1 });
    rig.table.remove(id);
    expect(rig.resolver.lookup(SEVEN)?.endpoints[0]?.uri).to.equal("https://s7.example");
  });

  it("answers with endpoints without a signature, for a short time", async () => {
    const id = rule(`${SEVEN.slice(0, 18)}/64`, {
      kind: "endpoints",
      endpoints: ["tcp://10.0.0.5:1"],
    });
    const answer = await rig.resolver.resolve(SEVEN);
    expect(answer).to.include({ source: "table", record: undefined, serviceId: SEVEN });
    expect(answer.expiresAt - answer.issuedAt).to.equal(10_000);
    expect(rig.resolver.lookup(SEVEN)?.endpoints).to.deep.equal(answer.endpoints);
    expect(counted(id)).to.deep.equal({ matches: 2, drops: 0 });
    expect(rig.network.finds).to.deep.equal([]);
  });

  it("hands over to a local socket", async () => {
    rule(SEVEN, { kind: "demux", socket: "/run/app.sock" });
    rule(EIGHT, { kind: "demux", socket: "127.0.0.1:80" });
    expect(await firstUri(SEVEN)).to.equal("unix:/run/app.sock");
    expect(await firstUri(EIGHT)).to.equal("tcp://127.0.0.1:80");
  });

  it("draws between rules each time, also for held answers", async () => {
    rule(SEVEN, { kind: "endpoints", endpoints: ["tcp://a:1"] }, { weight: 1 });
    rule(SEVEN, { kind: "resolver", url: "http://r/" }, { weight: 1 });
    remote = () => Promise.resolve(found(7n));
    rig.draw = () => 0.9;
    expect((await rig.resolver.resolve(SEVEN)).source).to.equal("resolver");
    rig.draw = () => 0.1;
    expect(rig.resolver.lookup(SEVEN)?.source).to.equal("table");
    rig.draw = () => 0.9;
    expect(rig.resolver.lookup(SEVEN)?.source).to.equal("resolver");
  });

  function found(number: bigint): FoundRecord {
    const facts = rig.directory.services.get(number)!;
    const encoded = rootRecord(number, KEY, { issuedAt: START }, "https://far.example");
    const context = { domain, now: rig.now(), rootKey: addressOfKey(KEY) };
    return { checked: checkRecord(encoded, context), facts, source: "resolver", superseded: false };
  }

  describe("with services that stand in for another", () => {
    const verdict = (number: bigint, newest: Verdict) => {
      rig.directory.set(number, KEY, { verdicts: [{ epoch: 5, verdict: newest }] });
    };
    beforeEach(() => {
      rule(SEVEN, { kind: "services", services: [EIGHT, NINE] });
    });

    it("shares lookups out by their last verdicts", async () => {
      verdict(8n, 1);
      verdict(9n, 3);
      const counts = new Map<string, number>();
      for (let index = 0; index < 140; index += 1) {
        rig.draw = () => (index + 0.5) / 140;
        const { serviceId } = await rig.resolver.resolve(SEVEN);
        counts.set(serviceId, (counts.get(serviceId) ?? 0) + 1);
      }
      expect(Object.fromEntries(counts)).to.deep.equal({ [EIGHT]: 40, [NINE]: 100 });
    });

    it("does not take one that FAILED while another is there, and takes it when none is", async () => {
      verdict(8n, 0);
      verdict(9n, null);
      for (const draw of [0, 0.5, 0.99]) {
        rig.draw = () => draw;
        expect((await rig.resolver.resolve(SEVEN)).serviceId).to.equal(NINE);
      }
      rig.directory.set(9n, KEY, { status: "Suspended" });
      rig.directory.tell(9n);
      expect((await rig.resolver.resolve(SEVEN)).serviceId).to.equal(EIGHT);
    });

    it("says why when none can be had", async () => {
      for (const number of [8n, 9n]) rig.directory.set(number, KEY, { status: "Retired" });
      expect(await code(SEVEN)).to.equal(resolveErrors.inactive);
    });

    it("looks at no other rule for them", async () => {
      rule(EIGHT, { kind: "services", services: [SEVEN] });
      rule(NINE, { kind: "services", services: [SEVEN] });
      expect(await firstUri(SEVEN)).to.equal("https://s8.example");
    });
  });

  describe("with another resolver", () => {
    let id: number;
    beforeEach(() => {
      id = rule(SEVEN, { kind: "resolver", url: "http://r/" });
    });

    it("queries it, marks the source, and holds its answer", async () => {
      remote = () => Promise.resolve(found(7n));
      expect(await firstUri(SEVEN)).to.equal("https://far.example");
      expect(rig.resolver.lookup(SEVEN)).to.include({ source: "resolver" });
      expect(forwarded).to.deep.equal([{ url: "http://r/", serviceId: SEVEN, hops: ["self"] }]);
      expect(rig.network.finds).to.deep.equal([]);
      expect(counted(id).matches).to.equal(2);
    });

    it("keeps what the record network pushes, when that is newer", async () => {
      remote = () => Promise.resolve(found(7n));
      await rig.resolver.resolve(SEVEN);
      rig.network.push(rootRecord(7n, KEY, { issuedAt: START + 1 }, "https://new.example"), KEY);
      expect(await firstUri(SEVEN)).to.equal("https://new.example");
      await rig.timers.advance(50_000);
      expect(await firstUri(SEVEN)).to.equal("https://new.example");
      await rig.settle();
      expect(forwarded).to.have.length(2);
      expect(await firstUri(SEVEN)).to.equal("https://new.example");
    });

    it("adds itself to the path, and ends a circle", async () => {
      await failureOf(rig.resolver.resolve(SEVEN, { hops: ["a", "b"] }));
      expect(forwarded[0]?.hops).to.deep.equal(["a", "b", "self"]);
      const circle = failureOf(rig.resolver.resolve(SEVEN, { hops: ["a", "self"] }));
      expect(codeOf(await circle)).to.equal(resolveErrors.loop);
      const long = Array.from({ length: 9 }, (_, index) => `r${index}`);
      const tooLong = failureOf(rig.resolver.resolve(EIGHT, { hops: long }));
      expect(codeOf(await tooLong)).to.equal(resolveErrors.loop);
      const eight = await rig.resolver.resolve(EIGHT, { hops: long.slice(1) });
      expect(eight.serviceId).to.equal(EIGHT);
    });

    it("does not wait for itself when the circle comes back to it another way", async () => {
      // The queried resolver queries this one, and would wait for the lookup that waits for it.
      remote = async () => {
        if (forwarded.length > 1) throw new BlockcloudError(resolveErrors.loop, "A circle.");
        await rig.resolver.resolve(SEVEN, { hops: ["other"] });
        return found(7n);
      };
      expect(await code(SEVEN)).to.equal(resolveErrors.loop);
      expect(forwarded.map(({ hops }) => hops)).to.deep.equal([["self"], ["other", "self"]]);
    });
  });
});
