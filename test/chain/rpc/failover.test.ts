import { expect } from "chai";
import { createChainClient, type ChainClient } from "../../../src/chain/client.ts";
import { failover } from "../../../src/chain/rpc/failover.ts";
import { findFault } from "../../../src/chain/rpc/faults.ts";
import { expectCode } from "../../support/expectCode.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { failureOf } from "../../support/httpClient.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { FakeNode, NODE_ACCOUNT, NODE_CHAIN } from "../../support/fakeNode.ts";

/** Longer than the pause after a first fault, and than two comparisons of heads are apart. */
const LATER_MS = 6_000;

describe("failover", () => {
  let nodes: [FakeNode, FakeNode];
  let timers: FakeTimers;
  let log: MemoryLog;
  let counted: string[];
  let client: ChainClient;

  beforeEach(async () => {
    nodes = [new FakeNode(), new FakeNode()];
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
    createChainClient(urls, NODE_CHAIN, {
      timers,
      log,
      // The fake node's blocks are of a second apart, from this moment on.
      origin: { block: 0, time: 0 },
      wall: () => 1_000,
      observer: {
        answered: (endpoint, outcome) => {
          if (outcome !== "ok") counted.push(`${endpoint} ${outcome}`);
        },
        changed: (endpoint, state) => counted.push(`${endpoint} is ${state}`),
      },
    });
  /** Who answers: the first node says 1, the second 2. */
  const ask = async () => Number(await timers.play(client.getBalance({ address: NODE_ACCOUNT })));
  const refusal = () => failureOf(ask());
  /** Lets a comparison of heads come due, and waits for what it finds. */
  const compare = async (finding: string) => {
    timers.pass(LATER_MS);
    while (!counted.includes(finding)) await ask();
  };

  it("asks the preferred endpoint as long as it is well, and says nothing", async () => {
    expect([await ask(), await ask(), await ask()]).to.deep.equal([1, 1, 1]);
    expect(nodes[1].count("eth_getBalance")).to.equal(0);
    expect(log.lines).to.deep.equal([]);
  });

  for (const [what, break_, kind] of [
    [
      "does not answer in time",
      (node: FakeNode) => {
        node.fail("silent");
      },
      "timeout",
    ],
    [
      "closes its connections",
      (node: FakeNode) => {
        node.fail("cut");
      },
      "network",
    ],
    [
      "answers with a page",
      (node: FakeNode) => {
        node.fail("garbage");
      },
      "malformed",
    ],
    [
      "is asked too often",
      (node: FakeNode) => {
        node.fail({ status: 429 });
      },
      "limit",
    ],
    ["answers with another type", (node: FakeNode) => (node.balance = ["0x1"]), "malformed"],
    ["answers with nothing", (node: FakeNode) => (node.balance = undefined), "malformed"],
  ] as const) {
    it(`goes on with the next endpoint when the first ${what}, and comes back when it is well`, async () => {
      await ask();
      break_(nodes[0]);
      expect(await ask()).to.equal(2);
      expect(counted).to.deep.equal([`1 ${kind}`, "1 is down"]);
      expect(await ask(), "leaves it alone").to.equal(2);
      expect(counted).to.have.length(2);

      nodes[0].recover();
      nodes[0].balance = 1;
      await compare("1 is up");
      expect(await ask()).to.equal(1);
      expect(log.said("warn")).to.deep.equal(["an RPC endpoint fails"]);
      expect(log.said("info")).to.deep.equal(["an RPC endpoint answers again"]);
    });
  }

  it("asks no endpoint of another chain for anything else, and says so", async () => {
    nodes[0].chainId = 1;
    expect(await ask()).to.equal(2);
    expect(new Set(nodes[0].asked)).to.deep.equal(new Set(["eth_chainId"]));
    nodes[1].fail("cut");
    await refusal();
    expect(new Set(nodes[0].asked), "not even when the other fails").to.have.length(1);
    expect(log.said("error")).to.deep.equal([
      "an RPC endpoint serves another chain and is not used",
    ]);
  });

  it("takes an endpoint back that has named another chain once", async () => {
    nodes[0].fail({ result: "0x1" }, ["eth_chainId"], 1);
    expect(await ask()).to.equal(2);
    await compare("1 is up");
    expect(await ask()).to.equal(1);
  });

  it("notices an endpoint that is pointed at another chain later", async () => {
    expect(await ask()).to.equal(1);
    nodes[0].chainId = 5;
    timers.pass(600_000);
    expect(await ask()).to.equal(2);
    expect(counted).to.include("1 is wrong");
  });

  it("says which chain it is when all endpoints serve another", async () => {
    nodes[0].chainId = nodes[1].chainId = 5;
    expect(findFault(await refusal())?.kind).to.equal("wrong chain");
  });

  for (const code of [-32_603, -32_000, -32_007, -32_601]) {
    it(`outlives one error ${code} where it asks again which chain is served`, async () => {
      client = connect([nodes[0].url]);
      expect(await ask()).to.equal(1);
      nodes[0].fail("cut", undefined, 1);
      nodes[0].fail({ error: { code, message: "not now" } }, ["eth_chainId"], 1);
      expect(await ask(), "after the pauses of two faults").to.equal(1);
      expect(counted.at(-1)).to.equal("1 is up");
    });
  }

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
    nodes[1].fail("cut");
    expect(await ask()).to.equal(1);
  });

  for (const [what, head, timestamp] of [
    ["more blocks than there was time for", 2 ** 32 - 1, 100],
    ["a block of the far future", 4_000_000, 90_000_000],
  ] as const) {
    it(`refuses a head that shows ${what}, and uses the other one`, async () => {
      Object.assign(nodes[1], { head, timestamp });
      expect(await ask()).to.equal(1);
      expect(counted).to.deep.equal(["2 is impossible"]);
      nodes[0].fail("cut");
      await refusal();
      expect(nodes[1].count("eth_getBalance"), "not even when the other fails").to.equal(0);
      nodes[0].recover();
      Object.assign(nodes[1], { head: 104, timestamp: undefined });
      await compare("2 is up");
    });
  }

  it("believes in a chain that is ahead of this machine's clock as a whole", async () => {
    for (const node of nodes) node.timestamp = 90_000_000;
    expect(await ask()).to.equal(1);
    expect(counted).to.deep.equal([]);
  });

  it("tries the ones that fail rather than none, after their pauses", async () => {
    await ask();
    for (const node of nodes) node.fail("cut");
    await refusal();
    const tries = nodes[0].asked.length;
    nodes[1].recover();
    expect(await ask()).to.equal(2);
    expect(tries, "three rounds").to.be.lessThan(10);
  });

  it("leaves a single endpoint alone for as long as it asks for", async () => {
    client = connect([nodes[0].url]);
    await ask();
    const { length } = nodes[0].asked;
    nodes[0].fail({ status: 429, headers: { "retry-after": "9" } }, undefined, 1);
    const began = timers.monotonic();
    expect(await ask()).to.equal(1);
    expect(timers.monotonic() - began).to.be.within(9_000, 9_999);
    // The one that was refused, and which chain it is.
    expect(nodes[0].asked.length - length).to.equal(3);
    nodes[0].fail({ status: 429, headers: { "retry-after": "45" } });
    expect(findFault(await refusal())?.kind).to.equal("limit");
    const asked = nodes[0].asked.length;
    await refusal();
    expect(nodes[0].asked.length, "nothing is sent meanwhile").to.equal(asked);
  });

  for (const [code, message] of [
    [-32_005, "limit exceeded"],
    [-32_007, "50/second request limit reached"],
    [-32_016, "over rate limit"],
    [-32_011, "no backends available"],
    [-32_029, "too many requests"],
    [15, "too many requests, try again later"],
    [429, "you have exceeded your compute units per second capacity"],
    [-32_000, "daily request count exceeded, request rate limited"],
  ] as const) {
    it(`takes error ${code} (${message}) for a limit, and pauses`, async () => {
      await ask();
      nodes[0].fail({ error: { code, message } }, ["eth_getBalance"]);
      expect(await ask()).to.equal(2);
      expect(counted).to.deep.equal(["1 limit", "1 is down"]);
    });
  }

  it("refuses another block than the one asked for", async () => {
    nodes[1].head = "asked";
    nodes[0].head = "asked";
    expect((await client.getBlock({ blockNumber: 7n })).number).to.equal(7n);
    nodes[0].head = 8;
    expect((await client.getBlock({ blockNumber: 7n })).number, "the second's").to.equal(7n);
    expect(counted).to.include("1 malformed");
  });

  it("asks the next one for a block that the first has thrown away", async () => {
    nodes[1].head = "asked";
    await ask();
    nodes[0].fail({ result: null }, ["eth_getBlockByNumber"]);
    expect((await client.getBlock({ blockNumber: 7n })).number).to.equal(7n);
    nodes[1].fail({ error: { code: 4444, message: "pruned history unavailable" } });
    const missing = client.request({ method: "eth_getBlockByNumber", params: ["0x7", false] });
    expect(await missing, "an answer says more than an error").to.equal(null);
  });

  it("takes a revert for the chain's word, and asks no other endpoint", async () => {
    await failureOf(client.call({ to: NODE_ACCOUNT, data: "0x" }));
    expect(counted).to.deep.equal(["1 error"]);
    expect(nodes[1].count("eth_call")).to.equal(0);
  });

  it("asks the next one where a node knows less than it should, and blames none", async () => {
    await failureOf(client.getLogs({ fromBlock: 1n, toBlock: 2n }));
    expect(nodes[1].count("eth_getLogs")).to.equal(1);
    expect(log.lines).to.deep.equal([]);
  });

  it("asks the only endpoint again after an internal error", async () => {
    client = connect([nodes[0].url]);
    nodes[0].fail({ error: { code: -32_603, message: "internal error" } }, ["eth_getBalance"], 2);
    expect(await ask()).to.equal(1);
  });

  it("keeps the endpoints' URLs to itself, in errors and in the log", async () => {
    for (const node of nodes) node.fail("cut");
    for (let error: unknown = await refusal(); error instanceof Error; error = error.cause) {
      expect(error.message).not.to.contain("secret").and.not.to.contain("127.0.0.1");
    }
    for (const { fields } of log.lines) {
      expect(String(fields.error)).not.to.contain("secret");
    }
  });

  it("refuses what is no URL by its place, and an empty list", () => {
    const error = expectCode("RPC_URL_INVALID", () =>
      failover(["http://127.0.0.1:1", "secret.example/key"], NODE_CHAIN),
    );
    expect(error.message).to.contain("2 of 2").and.not.to.contain("secret");
    expectCode("RPC_URL_INVALID", () => failover([], NODE_CHAIN));
  });
});
