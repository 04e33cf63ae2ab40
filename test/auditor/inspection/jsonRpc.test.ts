import { expect } from "chai";
import { inspect } from "../../../src/auditor/inspection/inspect.ts";
import type { Finding } from "../../../src/auditor/inspection/finding.ts";
import { rpcFault, type ChainView } from "../../../src/auditor/inspection/jsonRpc.ts";
import type { FreshCheck, RpcProbe } from "../../../src/protocol/probe.ts";
import { DEPLOYMENT } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { inspectionOf, receipts, ServiceRig } from "../../support/serviceRig.ts";

const CALL: RpcProbe = {
  path: "/",
  headers: {},
  rpc: { method: "eth_getBlockByNumber", params: ["latest", false] },
};

describe("a JSON-RPC probe", () => {
  const rig = new ServiceRig();
  let time: FakeTime;
  let timers: FakeTimers;
  beforeEach(() => {
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, 50);
  });
  afterEach(() => rig.close());

  /** A service that answers calls by a function; what a function gives stands beside `jsonrpc` and `id`. */
  async function against(
    answer: (call: { id: number; method: string; params?: unknown }) => object,
    over: Partial<RpcProbe> = {},
  ): Promise<Finding> {
    const endpoint = await rig.serve((body) => {
      const call = JSON.parse(body) as { id: number; method: string };
      return { body: JSON.stringify({ jsonrpc: "2.0", id: call.id, ...answer(call) }) };
    });
    const inspection = inspectionOf(endpoint, { request: { ...CALL, ...over } });
    const { signal } = new AbortController();
    return (await inspect(inspection, { timers, receipts, time }, signal))!;
  }

  it("is a POST of a call with an ID of its own, and the answer must name it", async () => {
    const ids: number[] = [];
    for (let i = 0; i < 3; i++) {
      const finding = await against((call) => {
        ids.push(call.id);
        expect(call).to.include({ jsonrpc: "2.0", method: "eth_getBlockByNumber" });
        expect(call.params).to.deep.equal(["latest", false]);
        return { result: {} };
      });
      expect(finding, finding.reason).to.include({ grade: 3 });
    }
    expect(new Set(ids).size).to.equal(3);
    const [asked] = rig.asked;
    expect(asked).to.include({ method: "POST", target: "/" });
    expect(asked?.headers).to.include({ "content-type": "application/json" });
  });

  it("fails with an answer to another call, which could have been ready before", async () => {
    const finding = await against(({ id }) => ({ id: id + 1, result: {} }));
    expect(finding).to.include({ grade: 0, failure: "rpc", reason: "a response to another call" });
  });

  it("fails with a call's ID as a string", async () => {
    expect(await against(({ id }) => ({ id: `${id}`, result: {} }))).to.include({ failure: "rpc" });
  });

  for (const [what, answer] of [
    ["an error", { error: { code: -32_000, message: "no" } }],
    ["an error beside a result", { result: {}, error: { code: -32_000 } }],
    ["neither", {}],
    ["another version", { jsonrpc: "1.0", result: {} }],
  ] as const) {
    it(`fails with ${what}`, async () => {
      expect(await against(() => answer)).to.include({ grade: 0, failure: "rpc" });
    });
  }

  it("takes a result of null, and an error of null beside a result", async () => {
    expect(await against(() => ({ result: null }))).to.include({ grade: 3 });
    expect(await against(() => ({ result: 1, error: null }))).to.include({ grade: 3 });
  });

  it("checks the shape of the answer", async () => {
    const json = [{ pointer: "/result/hash", hex: true as const }];
    expect(await against(() => ({ result: { hash: "0xab" } }), { json })).to.include({ grade: 3 });
    const finding = await against(() => ({ result: { hash: "ab" } }), { json });
    expect(finding).to.include({ grade: 0, failure: "json" });
  });

  it("lets no probe replace the content's type", async () => {
    const headers = { "content-type": "text/plain", "x-key": "1" };
    expect(await against(() => ({ result: 1 }), { headers })).to.include({ grade: 3 });
    expect(rig.asked[0]?.headers).to.include({
      "content-type": "application/json",
      "x-key": "1",
    });
  });

  it("is held against the auditor's own chain when it asked and when it had the answer", async () => {
    const fresh = { pointer: "/result", blocks: 2 };
    // Five blocks pass while the service thinks: one that answers with the newest is no liar.
    const meanwhile = (result: number) => () => {
      timers.pass(5_000);
      return { result };
    };
    const head = () => Number(time.head().number);
    for (const [shift, failure] of [
      [-3, "stale"],
      [-2, undefined],
      [7, undefined],
      [8, "stale"],
    ] as const) {
      const finding = await against(meanwhile(head() + shift), { fresh });
      expect(finding.failure, `${shift}: ${finding.reason ?? ""}`).to.equal(failure);
    }
  });

  it("ends when the service hangs up", async () => {
    const url = await rig.listenRaw((socket) => socket.destroy());
    const inspection = inspectionOf(url, { request: CALL });
    const finding = await inspect(
      inspection,
      { timers, receipts, time },
      new AbortController().signal,
    );
    expect(finding).to.include({ grade: 0, failure: "unreachable" });
  });
});

describe("rpcFault: freshness", () => {
  const view: ChainView = { block: 1_000n, seconds: 1_700_000_000.5 };
  const views = { before: view, after: view };

  function fault(fresh: FreshCheck, result: unknown): string | undefined {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, result }));
    return rpcFault({ ...CALL, fresh }, 1, { status: 200, body }, views)?.[0];
  }

  const blocks = { pointer: "/result/number", blocks: 10 };
  const seconds = { pointer: "/result/timestamp", seconds: 60 };
  const cases: [string, FreshCheck, unknown, string | undefined][] = [
    ["the newest block", blocks, { number: 1_000 }, undefined],
    ["the oldest block allowed", blocks, { number: 990 }, undefined],
    ["one block older", blocks, { number: 989 }, "stale"],
    ["the furthest block ahead", blocks, { number: 1_010 }, undefined],
    ["one block further", blocks, { number: 1_011 }, "stale"],
    ["a block in hexadecimal", blocks, { number: "0x3e8" }, undefined],
    ["a block in decimal", blocks, { number: "1000" }, undefined],
    ["an old block in hexadecimal", blocks, { number: "0x1" }, "stale"],
    ["a block beyond all bounds", blocks, { number: `0x${"f".repeat(1_000)}` }, "json"],
    ["a number that is infinite", blocks, { number: "1e999" }, "json"],
    ["a negative block", blocks, { number: -1 }, "json"],
    ["half a block", blocks, { number: 999.5 }, "json"],
    ["an empty string", blocks, { number: "" }, "json"],
    ["a list that looks like a number", blocks, { number: [1_000] }, "json"],
    ["true", blocks, { number: true }, "json"],
    ["no number at all", blocks, {}, "json"],
    ["an inherited field", { pointer: "/result/constructor", blocks: 1 }, {}, "json"],
    ["a time now", seconds, { timestamp: 1_700_000_000 }, undefined],
    ["a time of a minute ago", seconds, { timestamp: "0x6553f0c5" }, undefined],
    ["an older time", seconds, { timestamp: 1_699_999_940 }, "stale"],
    ["a time in milliseconds", seconds, { timestamp: 1_700_000_000_000 }, "stale"],
  ];
  for (const [what, fresh, result, expected] of cases) {
    it(`${expected === undefined ? "takes" : "refuses"} ${what}`, () => {
      expect(fault(fresh, result)).to.equal(expected);
    });
  }

  it("reads a number that JSON cannot hold as none", () => {
    const body = Buffer.from('{"jsonrpc":"2.0","id":1,"result":1e999}');
    const fresh = { pointer: "/result", blocks: 10 };
    const [failure] = rpcFault({ ...CALL, fresh }, 1, { status: 200, body }, views) ?? [];
    expect(failure).to.equal("json");
  });

  it("asks for 200", () => {
    const body = Buffer.from('{"jsonrpc":"2.0","id":1,"result":1}');
    expect(rpcFault(CALL, 1, { status: 429, body }, views)?.[0]).to.equal("status");
  });
});
