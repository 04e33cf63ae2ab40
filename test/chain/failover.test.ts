import { expect } from "chai";
import { createChainClient, type ChainClient } from "../../src/chain/client.ts";
import { failover } from "../../src/chain/rpc/failover.ts";
import { findFault } from "../../src/chain/rpc/faults.ts";
import { expectCode } from "../support/expectCode.ts";
import { FakeTimers } from "../support/fakeTime.ts";
import { failureOf } from "../support/httpClient.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { RpcProxy } from "../support/rpcProxy.ts";

const CHAIN = 31_337;
/** Longer than the pause after a first fault, and than two comparisons of heads are apart. */
const LATER_MS = 6_000;

/** A node that knows its chain, its head and one account's balance. */
class Node extends RpcProxy {
  chainId: unknown = CHAIN;
  head: unknown = 100;
  balance: unknown = 1;

  constructor() {
    super("http://127.0.0.1:1");
    this.override = ({ method, params }) => {
      switch (method) {
        case "eth_chainId":
          return { result: hex(this.chainId) };
        case "eth_blockNumber":
          return { result: hex(this.head) };
        case "eth_getBalance":
          return { result: hex(this.balance) };
        case "eth_call":
          return { error: { code: 3, message: "execution reverted" } };
        case "eth_getLogs":
          return { error: { code: -32000, message: "header not found" } };
        case "eth_getBlockByNumber":
          return {
            result: { ...BLOCK, number: this.head === "asked" ? params[0] : hex(this.head) },
          };
        default:
          return { error: { code: -32601, message: `no ${method}` } };
      }
    };
  }
}

const hex = (value: unknown) => (typeof value === "number" ? `0x${value.toString(16)}` : value);
const HASH = `0x${"11".repeat(32)}`;
const BLOCK = { hash: HASH, parentHash: HASH, timestamp: "0x1", transactions: [] };
const WHO = `0x${"aa".repeat(20)}` as const;

describe("failover", function () {
  this.timeout(30_000);

  let nodes: [Node, Node];
  let timers: FakeTimers;
  let log: MemoryLog;
  let counted: string[];
  let client: ChainClient;

  beforeEach(async () => {
    nodes = [new Node(), new Node()];
    nodes[0].balance = 1;
    nodes[1].balance = 2;
    await Promise.all(nodes.map((node) => node.start()));
    timers = new FakeTimers();
    log = new MemoryLog();
    counted = [];
    client = connect(nodes.map(({ url }) => url));
  });
  afterEach(() => Promise.all(nodes.map((node) => node.stop())));

  const connect = (urls: readonly string[]) =>
    createChainClient(urls, CHAIN, {
      timers,
      log,
      observer: {
        answered: (endpoint, outcome) => {
          if (outcome !== "ok") counted.push(`${endpoint} ${outcome}`);
        },
        changed: (endpoint, state) => counted.push(`${endpoint} is ${state}`),
      },
    });
  /** Who answers: the first node says 1, the second 2. */
  const ask = async () => Number(await client.getBalance({ address: WHO }));
  /** Lets a comparison of heads come due, and waits for what it finds. */
  const compare = async (finding: string) => {
    timers.pass(LATER_MS);
    while (!counted.includes(finding)) await ask();
  };

  it("asks the preferred endpoint as long as it is well, and says nothing", async () => {
    expect([await ask(), await ask(), await ask()]).to.deep.equal([1, 1, 1]);
    expect(nodes[1].asked).not.to.include("eth_getBalance");
    expect(log.lines).to.deep.equal([]);
  });

  for (const [what, break_, kind] of [
    ["does not answer in time", (node: Node) => (node.mode = "silent"), "timeout"],
    ["closes its connections", (node: Node) => (node.mode = "down"), "network"],
    ["answers with a page", (node: Node) => (node.mode = "garbage"), "malformed"],
    ["is asked too often", (node: Node) => (node.mode = "busy"), "limit"],
    ["answers with another type", (node: Node) => (node.balance = ["0x1"]), "malformed"],
    ["answers with nothing", (node: Node) => (node.balance = undefined), "malformed"],
  ] as const) {
    it(`goes on with the next endpoint when the first ${what}, and comes back when it is well`, async () => {
      await ask();
      break_(nodes[0]);
      expect(await ask()).to.equal(2);
      expect(counted).to.deep.equal([`1 ${kind}`, "1 is down"]);
      expect(await ask(), "leaves it alone").to.equal(2);
      expect(counted).to.have.length(2);

      nodes[0].mode = "well";
      nodes[0].balance = 1;
      await compare("1 is up");
      expect(await ask()).to.equal(1);
      expect(log.said("warn")).to.deep.equal(["an RPC endpoint fails"]);
      expect(log.said("info")).to.deep.equal(["an RPC endpoint answers again"]);
    });
  }

  it("never asks an endpoint of another chain, and says so", async () => {
    nodes[0].chainId = 1;
    expect(await ask()).to.equal(2);
    expect(nodes[0].asked).to.deep.equal(["eth_chainId"]);
    expect(log.said("error")).to.deep.equal([
      "an RPC endpoint serves another chain and is not used",
    ]);
    nodes[1].mode = "down";
    nodes[0].chainId = CHAIN;
    timers.pass(LATER_MS);
    await failureOf(ask());
    expect(nodes[0].asked, "not even when the other fails").to.deep.equal(["eth_chainId"]);
  });

  it("says which chain it is when all endpoints serve another", async () => {
    nodes[0].chainId = nodes[1].chainId = 5;
    const fault = findFault(await failureOf(ask()));
    expect(fault?.kind).to.equal("wrong chain");
  });

  it("does not read from an endpoint that lags until it has caught up", async () => {
    nodes[0].head = 100;
    nodes[1].head = 104;
    expect(await ask()).to.equal(2);
    expect(counted).to.deep.equal(["1 is lagging"]);
    nodes[0].head = 103;
    await compare("1 is up");
    expect(await ask()).to.equal(1);
  });

  it("finds an endpoint that stops following while it runs", async () => {
    expect(await ask()).to.equal(1);
    nodes[1].head = 200;
    await compare("1 is lagging");
    expect(await ask()).to.equal(2);
  });

  it("reads from one that lags rather than from none", async () => {
    nodes[1].head = 200;
    expect(await ask()).to.equal(2);
    nodes[1].mode = "down";
    expect(await ask()).to.equal(1);
  });

  it("tries the ones that fail rather than none", async () => {
    await ask();
    for (const node of nodes) node.mode = "down";
    await failureOf(ask());
    nodes[1].mode = "well";
    expect(await ask()).to.equal(2);
  });

  it("refuses another block than the one asked for", async () => {
    nodes[0].head = "asked";
    nodes[1].head = "asked";
    expect((await client.getBlock({ blockNumber: 7n })).number).to.equal(7n);
    nodes[0].head = 8;
    expect((await client.getBlock({ blockNumber: 7n })).number, "the second's").to.equal(7n);
    expect(counted).to.include("1 malformed");
  });

  it("takes a revert for the chain's word, and asks no other endpoint", async () => {
    await failureOf(client.call({ to: WHO, data: "0x" }));
    expect(counted).to.deep.equal(["1 error"]);
    expect(nodes[1].asked).not.to.include("eth_call");
  });

  it("asks the next one where a node knows less than it should, and blames none", async () => {
    await failureOf(client.getLogs({ fromBlock: 1n, toBlock: 2n }));
    expect(nodes[1].asked).to.include("eth_getLogs");
    expect(log.lines).to.deep.equal([]);
  });

  it("sends requests of the same moment together", async () => {
    await ask();
    let batches = 0;
    nodes[0].before = ({ id }) => {
      if (id === 0) batches += 1;
    };
    await Promise.all([ask(), ask(), ask()]);
    expect(batches).to.equal(1);
  });

  it("keeps the endpoints' URLs to itself, in errors and in the log", async () => {
    for (const node of nodes) node.mode = "down";
    for (let error: unknown = await failureOf(ask()); error instanceof Error; error = error.cause) {
      expect(error.message).not.to.contain("secret").and.not.to.contain("127.0.0.1");
    }
    for (const { fields } of log.lines) {
      expect(String(fields.error)).not.to.contain("secret");
    }
  });

  it("refuses what is no URL by its place, and an empty list", () => {
    const error = expectCode("RPC_URL_INVALID", () =>
      failover(["http://127.0.0.1:1", "secret.example/key"], CHAIN),
    );
    expect(error.message).to.contain("2 of 2").and.not.to.contain("secret");
    expectCode("RPC_URL_INVALID", () => failover([], CHAIN));
  });
});
