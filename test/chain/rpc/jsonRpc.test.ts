import { expect } from "chai";
import type { EndpointFault } from "../../../src/chain/rpc/faults.ts";
import { AnswerError } from "../../../src/chain/rpc/faults.ts";
import { JsonRpc } from "../../../src/chain/rpc/jsonRpc.ts";
import { FakeNode, NODE_ACCOUNT } from "../../support/fakeNode.ts";
import { failureOf } from "../../support/httpClient.ts";

/** Far more than a test takes. */
const TIMEOUT_MS = 60_000;

describe("JsonRpc", () => {
  let node: FakeNode;
  let rpc: JsonRpc;

  beforeEach(async () => {
    node = new FakeNode();
    await node.start();
    rpc = new JsonRpc({ url: node.url, timeoutMs: TIMEOUT_MS });
  });
  afterEach(() => node.stop());

  const ask = () => rpc.request("eth_getBalance", [NODE_ACCOUNT, "latest"]);
  /** Requests of one moment. */
  const askMany = (count: number) => Promise.all(Array.from({ length: count }, ask));
  const answered = (count: number) => Array.from({ length: count }, () => "0x1");

  it("sends requests of the same moment together", async () => {
    expect(await askMany(20)).to.deep.equal(answered(20));
    expect(node.requests).to.deep.equal([20]);
  });

  for (const most of [1, 3, 10]) {
    for (const refusal of ["object", "list", "partial", "each", "status"] as const) {
      it(`gets all answers from an endpoint that takes ${most} in a batch and refuses more by ${refusal}`, async () => {
        node.batch = { most, refusal };
        expect(await askMany(20)).to.deep.equal(answered(20));
        // What it has learned, it keeps: the next ones are not refused.
        const learned = node.requests.length;
        expect(await askMany(most)).to.deep.equal(answered(most));
        expect(node.requests.slice(learned).every((length) => length <= most)).to.equal(true);
      });
    }
  }

  it("sends longer batches again once the endpoint takes them", async () => {
    node.batch = { most: 3, refusal: "object" };
    await askMany(20);
    node.heal();
    node.recover();
    for (let round = 0; round < 40; round++) await askMany(20);
    node.requests.length = 0;
    await askMany(20);
    expect(node.requests).to.deep.equal([20]);
  });

  it("asks a stubborn endpoint for longer ones more and more seldom", async () => {
    node.batch = { most: 10, refusal: "object" };
    for (let round = 0; round < 200; round++) await askMany(20);
    const refused = node.requests.filter((length) => length > 10).length;
    expect(refused).to.be.lessThan(10);
  });

  for (const [name, form] of [
    ["IDs as text", { ids: "text", nullErrors: false }],
    ["an error of null beside the result", { ids: "number", nullErrors: true }],
  ] as const) {
    it(`takes ${name}, alone and in a batch`, async () => {
      node.form = form;
      expect(await ask()).to.equal("0x1");
      expect(await askMany(5)).to.deep.equal(answered(5));
    });
  }

  it("takes a single answer without an ID, and asks one by one where a batch has none", async () => {
    node.form = { ids: "null", nullErrors: false };
    expect(await ask()).to.equal("0x1");
    expect(await askMany(4)).to.deep.equal(answered(4));
  });

  it("gives each request of a batch its own error", async () => {
    const [balance, other] = await Promise.allSettled([ask(), rpc.request("eth_syncing", [])]);
    expect(balance.status).to.equal("fulfilled");
    expect(other.status === "rejected" && other.reason).to.be.instanceOf(AnswerError);
  });

  it("does not take an endpoint that is asked too often for one that refuses batches", async () => {
    node.fail({ error: { code: -32_005, message: "rate limited" } });
    const faults = await Promise.allSettled([ask(), ask()]);
    for (const each of faults) {
      expect((each as PromiseRejectedResult).reason).to.have.property("kind", "limit");
    }
    expect(node.requests).to.deep.equal([2]);
  });

  for (const [name, headers, pause] of [
    ["seconds", { "retry-after": "7" }, 7_000],
    [
      "a date",
      { "retry-after": "Wed, 21 Oct 2015 07:28:09 GMT", date: "Wed, 21 Oct 2015 07:28:00 GMT" },
      9_000,
    ],
    ["nonsense", { "retry-after": "soon" }, undefined],
    ["nothing", {}, undefined],
  ] as const) {
    it(`reads how long it is to wait: ${name}`, async () => {
      node.fail({ status: 429, headers });
      const fault = (await failureOf(ask())) as EndpointFault;
      expect(fault.kind).to.equal("limit");
      expect(fault.retryAfterMs).to.equal(pause);
    });
  }

  it("reads the pause also where a limit comes as JSON-RPC with its status", async () => {
    const body = '{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"slow down"}}';
    node.fail({ status: 429, headers: { "retry-after": "3" }, body });
    const fault = (await failureOf(ask())) as EndpointFault;
    expect([fault.kind, fault.retryAfterMs]).to.deep.equal(["limit", 3_000]);
  });

  it("takes a per cent sign in a password as it was typed", async () => {
    const { host } = new URL(node.url);
    let seen: string | undefined;
    node.sees = (headers) => (seen = headers.authorization);
    for (const [typed, meant] of [
      ["50%off", "50%off"],
      ["50%25off", "50%off"],
    ]) {
      rpc = new JsonRpc({ url: `http://user:${typed}@${host}/`, timeoutMs: TIMEOUT_MS });
      await ask();
      expect(seen).to.equal(`Basic ${btoa(`user:${meant}`)}`);
    }
  });
});
