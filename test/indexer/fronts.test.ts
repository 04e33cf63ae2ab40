import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { AnswerError, EndpointFault } from "../../src/chain/rpc/faults.ts";
import { ApiFront } from "../../src/indexer/apiFront.ts";
import { Redactor } from "../../src/indexer/redactor.ts";
import { RpcFront } from "../../src/indexer/rpcFront.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { MemoryLog } from "../support/memoryLog.ts";

describe("the front of the chain for Ponder", () => {
  const log = new MemoryLog();
  const asked: string[] = [];
  let answer: (method: string, params: unknown) => unknown = () => null;
  const contract = `0x${"a".repeat(40)}` as const;
  const front = new RpcFront(
    { contracts: [contract] },
    {
      timers: systemTimers,
      log,
      request: (method, params) => {
        asked.push(method);
        return Promise.resolve().then(() => answer(method, params));
      },
    },
  );
  const ask = (method: string, params: unknown[] = [], path = "/0") =>
    fetch(`${front.url}${path}`, {
      method: "POST",
      body: JSON.stringify({ jsonrpc: "2.0", id: 7, method, params }),
    });
  const read = async (method: string, params: unknown[] = []) =>
    (await (await ask(method, params)).json()) as { result?: unknown; error?: { message: string } };

  before(() => front.start());
  after(() => front.stop());

  it("answers only under its secret path, and only methods that read", async () => {
    const { origin } = new URL(front.url);
    expect((await fetch(`${origin}/`, { method: "POST", body: "{}" })).status).to.equal(404);
    const { error } = await read("eth_sendRawTransaction", ["0x00"]);
    expect(error?.message).to.include("not served");
    expect(asked).to.deep.equal([]);
  });

  it("names the ID that Ponder knows the chain by, and notes the head", async () => {
    front.begin(0xabcdef);
    answer = () => ({ number: "0x10", timestamp: "0x64" });
    expect((await read("eth_chainId")).result).to.equal("0xabcdef");
    await read("eth_getBlockByNumber", ["latest", false]);
    expect(front.head?.head).to.deep.equal({ block: 16, time: 100 });
  });

  it("reads receipts one by one where a node does not know those of a block", async () => {
    answer = (method) => {
      if (method === "eth_getBlockReceipts")
        throw new AnswerError({ code: -32_601, message: "no" });
      if (method === "eth_getBlockByHash") return { transactions: ["0x1", "0x2"] };
      return { method };
    };
    const { result } = await read("eth_getBlockReceipts", ["0xff"]);
    expect(result).to.have.length(2);
    asked.length = 0;
    await read("eth_getBlockReceipts", ["0xff"]);
    expect(asked).to.not.include("eth_getBlockReceipts");
  });

  it("tells Ponder to slow down, to halve a range, and nothing of an endpoint", async () => {
    answer = () => {
      throw new EndpointFault("limit", "Its rate limit is exceeded.");
    };
    expect((await ask("eth_blockNumber")).status).to.equal(429);
    answer = () => {
      throw new EndpointFault("malformed", "Its response has more than 33554432 bytes.");
    };
    const event = `0x${"b".repeat(64)}`;
    const range = { address: contract, topics: [event], fromBlock: "0x1", toBlock: "0x9" };
    for (const filter of [{}, range]) {
      const { error } = await read("eth_getLogs", [filter]);
      expect(error?.message).to.equal("query exceeds max results");
    }
    answer = () => {
      throw new EndpointFault("timeout", "It did not answer within 10000 ms.");
    };
    const { error } = await read("eth_getLogs", [{ ...range, toBlock: "0x1ff" }]);
    expect(error?.message).to.equal("query exceeds max results");
    // Words for which the database would be set aside.
    answer = () => {
      throw new AnswerError({ code: -32_000, message: "Finalized block cannot move backwards" });
    };
    expect((await read("eth_blockNumber")).error?.message).to.equal("The request failed.");
    answer = () => {
      throw new Error("https://user:secret@rpc.example failed");
    };
    expect((await read("eth_blockNumber")).error?.message).to.equal("The request failed.");
  });
});

describe("the front of the index for readers", () => {
  let ponder: Server;
  let base: string | undefined;
  let front: ApiFront;
  let hold: Promise<unknown> = Promise.resolve();
  const outcomes: string[] = [];
  const log = new MemoryLog();
  const url = () => `http://127.0.0.1:${front.address.port}`;
  const query = (text: string, headers: Record<string, string> = {}) =>
    fetch(`${url()}/graphql`, { method: "POST", headers, body: JSON.stringify({ query: text }) });
  const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

  before(async () => {
    ponder = createServer((request, response) => {
      request.resume();
      void hold.then(() => response.end(JSON.stringify({ data: { path: request.url, id: 5 } })));
    }).listen(0, "127.0.0.1");
    await once(ponder, "listening");
    front = new ApiFront(
      {
        ...{ listen: { host: "127.0.0.1", port: 0 }, origins: ["https://console.example"] },
        ...{ sql: false, trustedProxies: [], maxConnections: 0, maxConnectionsPerPeer: 0 },
        ...{ keepAliveMs: 1_000, maxUnread: 0, maxUnreadPerPeer: 0 },
      },
      {
        ...{ log, ponder: () => base, status: () => Promise.resolve({ state: "starting" }) },
        translate: (text) => text.replace(`"id":5`, `"id":31337`),
        metrics: { query: (outcome) => outcomes.push(outcome) },
      },
    );
    await front.start();
  });
  after(async () => {
    await front.stop();
    ponder.close();
  });

  it("says its state while there is no index, and refuses queries until there is one", async () => {
    const status = await fetch(`${url()}/v1/status`);
    expect(await status.json()).to.deep.equal({ state: "starting" });
    expect(await codeOf(await query("{ a }"))).to.equal("INDEX_AWAY");
    base = `http://127.0.0.1:${(ponder.address() as AddressInfo).port}`;
    expect(await (await query("{ a }")).json()).to.deep.equal({
      data: { path: "/graphql", id: 31_337 },
    });
  });

  it("refuses long bodies, other methods, other paths, SQL, and queries above the bounds", async () => {
    expect(await codeOf(await query(`{ a } #${"x".repeat(20_000)}`))).to.equal("BODY_TOO_LARGE");
    expect(await codeOf(await fetch(`${url()}/graphql`))).to.equal("METHOD_REFUSED");
    expect(await codeOf(await fetch(`${url()}/metrics`))).to.equal("PATH_UNKNOWN");
    expect(await codeOf(await fetch(`${url()}/sql/db?sql=x`))).to.equal("PATH_UNKNOWN");
    expect(await codeOf(await query("mutation { a }"))).to.equal("QUERY_REFUSED");
    const broken = await fetch(`${url()}/graphql`, { method: "POST", body: "{" });
    expect(await codeOf(broken)).to.equal("REQUEST_INVALID");
  });

  it("counts queries by how they ended, and other requests not at all", () => {
    expect(outcomes).to.deep.equal(["failed", "answered", "refused", "refused", "refused"]);
  });

  it("lets pages of named origins and of loopback read, and no others", async () => {
    const allowed = async (origin: string) =>
      (await query("{ a }", { origin })).headers.get("access-control-allow-origin");
    for (const origin of [
      "https://console.example",
      "http://127.0.0.1:8060",
      "http://localhost:1",
    ]) {
      expect(await allowed(origin)).to.equal(origin);
    }
    for (const origin of ["https://evil.example", "http://localhost.evil.example", "null"]) {
      expect(await allowed(origin)).to.equal(null);
    }
  });

  it("runs eight queries of a client at a time", async () => {
    const { promise, resolve } = Promise.withResolvers();
    hold = promise;
    const running = Array.from({ length: 9 }, () => query("{ a }"));
    // The ninth is refused while the others wait.
    const first = await Promise.race(running);
    expect(await codeOf(first)).to.equal("QUERIES_EXCEEDED");
    resolve(undefined);
    const statuses = (await Promise.all(running)).map(({ status }) => status).sort();
    expect(statuses).to.deep.equal([...Array<number>(8).fill(200), 429]);
  });
});

describe("texts of Ponder's in the log", () => {
  it("lose a database's URL, its password, and the password as it is decoded", () => {
    const redactor = new Redactor(["postgres://index:p%40ssword1@db.example/blockcloud"]);
    for (const text of [
      "cannot reach postgres://index:p%40ssword1@db.example/blockcloud",
      "authentication of index:p%40ssword1 failed",
      "password p@ssword1 is wrong",
    ]) {
      expect(redactor.clean(text)).to.not.match(/p(%40|@)ssword1/);
    }
    expect(redactor.clean("nothing of it")).to.equal("nothing of it");
  });
});
