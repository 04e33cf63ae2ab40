import { expect } from "chai";
import { createServer } from "node:http";
import { once } from "node:events";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Client } from "../../src/client/client.ts";
import { ReceiptError, UnreachableError } from "../../src/client/errors.ts";
import { ServiceResponse } from "../../src/client/response.ts";
import { ConsoleServer } from "../../src/console/consoleServer.ts";
import { PathLog } from "../../src/console/pathLog.ts";
import { POLICY } from "../../src/console/headers.ts";
import { readPageFiles } from "../../src/console/pageFiles.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { expectCode } from "../support/expectCode.ts";
import { ask as askOver, type Answer } from "../support/httpClient.ts";

const ID = rootServiceId(7n);
const NONCE = `0x${"ab".repeat(32)}`;

describe("the console's server", () => {
  let folder: string;
  let server: ConsoleServer;
  /** The server's clock, which stands. */
  const time = 1_000;
  let upstream: ReturnType<typeof createServer>;
  /** What the RPC endpoint and the index were asked. */
  const asked: string[] = [];
  /** Moves of the client's sessions. */
  const paths = new PathLog(() => 5_000);
  /** What a service answers. */
  let service: Client["fetch"] = () => Promise.reject(new Error("not asked"));

  const ask = (
    target: string,
    options: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Answer> => {
    const { body, ...rest } = options;
    const question = { port: server.address.port, path: target, ...rest };
    return askOver({ ...question, ...(body !== undefined && { body: Buffer.from(body) }) });
  };
  const post = (target: string, value: unknown, headers: Record<string, string> = {}) =>
    ask(target, { method: "POST", body: JSON.stringify(value), headers });
  const codeOf = ({ body }: Answer) => (JSON.parse(body.toString()) as { code: string }).code;
  const call = (method: string, id = 1) => ({ jsonrpc: "2.0", id, method, params: [] });

  const session = (endpoint: string, way: { kind: string; whyRelayed: string | undefined }) => {
    return { serviceId: ID, endpoint, path: way, flows: 1 };
  };

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "console-"));
    await mkdir(path.join(folder, "assets"));
    await writeFile(path.join(folder, "index.html"), "<!doctype html>".repeat(100));
    await writeFile(path.join(folder, "assets/page-1a2b.js"), "let x = 1;".repeat(100));
    await writeFile(path.join(folder, "config.json"), '{"rpc":"https://elsewhere.example"}');
    upstream = createServer((request, response) => {
      let text = "";
      request.on("data", (part: Buffer) => (text += part.toString()));
      request.on("end", () => {
        asked.push(text);
        response.end(`{"asked":${asked.length}}`);
      });
    }).listen(0, "127.0.0.1");
    await once(upstream, "listening");
    const { port } = upstream.address() as AddressInfo;
    const refused = () => Promise.reject(new Error("not in this test"));
    const client = {
      fetch: (...args: Parameters<Client["fetch"]>) => service(...args),
      resolve: refused,
      sessions: [
        session("sal://192.0.2.1:1?relay", { kind: "relay", whyRelayed: "no port was found" }),
        session("sal://192.0.2.2:1?relay", { kind: "punched", whyRelayed: undefined }),
      ],
      close: () => Promise.resolve(),
    } as unknown as Client;
    server = new ConsoleServer(
      {
        listen: { host: "127.0.0.1", port: 0 },
        ...{ trustedProxies: [], maxConnections: 0, maxConnectionsPerPeer: 0, keepAliveMs: 1_000 },
        ...{ maxUnread: 0, maxUnreadPerPeer: 0 },
        names: ["Console.example"],
        config: { rpc: "./rpc" },
        files: readPageFiles(folder),
        rpcUrls: ["http://127.0.0.1:1/", `http://127.0.0.1:${port}/`],
        indexUrl: new URL(`http://127.0.0.1:${port}/`),
      },
      {
        ...{ client, paths },
        timers: { ...systemTimers, monotonic: () => time },
        log: silentLogger,
        fetch: (url, init) => fetch(url, init),
      },
    );
    await server.start();
  });
  after(async () => {
    await server.stop();
    upstream.close();
    await rm(folder, { recursive: true });
  });

  it("sends the policy without exceptions with every response, refusals included", async () => {
    const replies = await Promise.all([
      ask("/"),
      ask("/config.json"),
      ask("/assets/none.js"),
      ask("/", { headers: { host: "evil.example" } }),
      post("/rpc", call("eth_chainId")),
      ask("/call/x/"),
    ]);
    for (const { headers } of replies) {
      expect(headers["content-security-policy"]).to.equal(POLICY);
      expect(headers["x-content-type-options"]).to.equal("nosniff");
      expect(headers["referrer-policy"]).to.equal("no-referrer");
      expect(headers["cross-origin-resource-policy"]).to.equal("same-origin");
    }
    expect(POLICY).to.contain("default-src 'none'").and.to.contain("frame-ancestors 'none'");
    expect(POLICY).not.to.match(/unsafe|https?:|data:|blob:|\*/);
  });

  it("serves the build from memory: coded if the browser can, unchanged files without a body", async () => {
    const plain = await ask("/");
    expect([plain.status, plain.headers["content-type"]]).to.deep.equal([
      200,
      "text/html; charset=utf-8",
    ]);
    const coded = await ask("/assets/page-1a2b.js", { headers: { "accept-encoding": "gzip, br" } });
    expect(coded.headers["content-encoding"]).to.equal("br");
    expect(coded.headers["cache-control"]).to.contain("immutable");
    const { etag = "" } = plain.headers;
    const again = await ask("/index.html", { headers: { "if-none-match": etag } });
    expect([again.status, again.body.length]).to.deep.equal([304, 0]);
    const head = await ask("/", { method: "HEAD" });
    expect([head.status, head.body.length]).to.deep.equal([200, 0]);
    expect(codeOf(await ask("/", { method: "DELETE" }))).to.equal("METHOD_REFUSED");
  });

  it("never leaves the build's folder, and answers its own config.json", async () => {
    for (const target of [
      "/../package.json",
      "/%2e%2e/package.json",
      "/assets/..%2f..%2fetc/passwd",
      "//etc/passwd",
    ]) {
      expect((await ask(target)).status, target).to.be.oneOf([400, 404]);
    }
    expect(JSON.parse((await ask("/config.json")).body.toString())).to.deep.equal({ rpc: "./rpc" });
    expectCode("CONSOLE_NOT_BUILT", () => readPageFiles(path.join(folder, "assets")));
    expectCode("CONSOLE_NOT_BUILT", () => readPageFiles(path.join(folder, "none")));
  });

  it("answers under addresses and listed names only, so that no name can be rebound to it", async () => {
    for (const host of [
      "localhost:8070",
      "127.0.0.1",
      "[::1]:8070",
      "192.0.2.7:80",
      "console.EXAMPLE:1",
    ]) {
      expect((await ask("/config.json", { headers: { host } })).status, host).to.equal(200);
    }
    for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8070"]) {
      const reply = await ask("/config.json", { headers: { host } });
      expect([reply.status, codeOf(reply)], host).to.deep.equal([421, "HOST_REFUSED"]);
    }
  });

  it("lets only its own page reach further", async () => {
    const { port } = server.address;
    const host = `127.0.0.1:${port}`;
    const own = { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" };
    expect((await post("/rpc", call("eth_chainId"), own)).status).to.equal(200);
    for (const headers of [
      { host, origin: "https://evil.example" },
      { host, origin: "null" },
      { host, origin: `http://127.0.0.1:${port + 1}` },
      { host, "sec-fetch-site": "cross-site" },
      { host, "sec-fetch-site": "none" },
    ]) {
      for (const target of [
        "/rpc",
        "/index/graphql",
        `/call/${ID}/`,
        `/resolver/v1/resolve/${ID}`,
      ]) {
        expect(codeOf(await post(target, {}, headers)), target).to.equal("ORIGIN_REFUSED");
      }
    }
  });

  it("passes reads and signed transactions on to the first endpoint that answers, and no other method", async () => {
    asked.length = 0;
    const batch = [call("eth_call", 1), call("eth_sendRawTransaction", 2)];
    expect((await post("/rpc", batch)).status).to.equal(200);
    expect(JSON.parse(asked[0] ?? "")).to.deep.equal(batch);
    for (const method of [
      "eth_sendTransaction",
      "personal_sign",
      "evm_mine",
      "debug_traceCall",
      "admin_peers",
      "eth_accounts",
    ]) {
      expect(codeOf(await post("/rpc", call(method))), method).to.equal("RPC_METHOD_REFUSED");
      expect(codeOf(await post("/rpc", [call("eth_call"), call(method)])), method).to.equal(
        "RPC_METHOD_REFUSED",
      );
    }
    expect(codeOf(await post("/rpc", []))).to.equal("REQUEST_INVALID");
    expect(codeOf(await post("/rpc", Array(251).fill(call("eth_call"))))).to.equal(
      "REQUEST_INVALID",
    );
    expect(codeOf(await ask("/rpc", { method: "POST", body: "{" }))).to.equal("REQUEST_INVALID");
    expect(
      codeOf(await post("/rpc", { ...call("eth_call"), params: ["x".repeat(1_100_000)] })),
    ).to.equal("BODY_TOO_LARGE");
    expect(codeOf(await ask("/rpc"))).to.equal("METHOD_REFUSED");
    expect(asked).to.have.lengthOf(1);
  });

  it("bounds the calls of one address", async () => {
    const reply = async () => post("/rpc", Array(250).fill(call("eth_call")));
    let refused: Answer | undefined;
    for (let sent = 0; sent < 200 && refused === undefined; sent++) {
      const each = await reply();
      if (each.status !== 200) refused = each;
    }
    expect(codeOf(refused!)).to.equal("RATE_EXCEEDED");
    expect(Number(refused!.headers["retry-after"])).to.be.at.least(1);
  });

  it("lists its own sessions with a service, and their newest moves", async () => {
    const endpoint = "sal://192.0.2.2:1?relay";
    for (let gapMs = 0; gapMs < 12; gapMs++) {
      paths.moved({ serviceId: ID, reason: "direct", endpoint, path: "punched", gapMs });
    }
    const reply = await ask(`/paths/${ID}`);
    const { sessions, moves } = JSON.parse(reply.body.toString()) as Record<string, object[]>;
    expect(sessions).to.deep.equal([
      {
        endpoint: "sal://192.0.2.1:1?relay",
        path: "relay",
        whyRelayed: "no port was found",
        flows: 1,
      },
      { endpoint, path: "punched", whyRelayed: null, flows: 1 },
    ]);
    expect(moves).to.have.length(10);
    expect(moves?.at(-1)).to.deep.equal({
      at: 5_000,
      reason: "direct",
      endpoint,
      path: "punched",
      gapMs: 11,
    });
    const other = await ask(`/paths/${rootServiceId(8n)}`);
    expect(JSON.parse(other.body.toString())).to.deep.equal({ sessions: [], moves: [] });
    for (const wrong of ["7", "weather.bloc.alt", `${ID}/x`]) {
      expect(codeOf(await ask(`/paths/${wrong}`)), wrong).to.equal("REQUEST_INVALID");
    }
    expect(codeOf(await ask(`/paths/${ID}`, { method: "POST" }))).to.equal("METHOD_REFUSED");
    for (let number = 1n; number <= 1_001n; number++) {
      paths.moved({
        serviceId: rootServiceId(100n + number),
        ...{ reason: "direct", endpoint, path: "ipv6", gapMs: 1 },
      });
    }
    expect(paths.of(ID), "the one that moved first makes room").to.deep.equal([]);
  });

  it("passes queries of the index on", async () => {
    asked.length = 0;
    expect(
      (await post("/index/graphql", { query: "{ services { items { number } } }" })).status,
    ).to.equal(200);
    expect((await ask("/index/v1/status")).status).to.equal(200);
    expect(asked).to.have.lengthOf(2);
    expect(codeOf(await ask("/index/graphql"))).to.equal("METHOD_REFUSED");
    expect(codeOf(await post("/index/graphql", { query: 1 }))).to.equal("REQUEST_INVALID");
    expect(codeOf(await post("/index/graphql", { query: "x".repeat(70_000) }))).to.equal(
      "BODY_TOO_LARGE",
    );
  });

  describe("a call of a service", () => {
    const nonce = { "service-nonce": NONCE };
    const proof = { serviceId: ID, endpoint: "https://service.example/base" };

    it("passes path, query and nonce on, and puts what a stranger answers into JSON", async () => {
      let seen: Parameters<Client["fetch"]> | undefined;
      const receipt = {
        receipt: { serviceId: ID, nonce: NONCE as `0x${string}`, channel: ID, issuedAt: 1n },
        serviceId: ID,
        nonce: NONCE as `0x${string}`,
        channel: ID,
        issuedAt: 1n,
        signature: `0x${"11".repeat(65)}` as const,
      };
      service = (...args) => {
        seen = args;
        const headers = new Headers({ "content-type": "text/html", "set-cookie": "a=b" });
        const body = new TextEncoder().encode("<script>alert(1)</script>");
        return Promise.resolve(
          new ServiceResponse(body, { status: 203, headers }, { ...proof, receipt }),
        );
      };
      const reply = await ask(`/call/${ID}/a%20b?q=1`, {
        headers: {
          ...{ ...nonce, cookie: "secret", accept: "text/html" },
          "payment-signature": "e30=",
        },
      });
      expect(reply.headers["content-type"]).to.equal("application/json");
      expect(reply.headers["set-cookie"]).to.equal(undefined);
      const told = JSON.parse(reply.body.toString()) as Record<string, unknown>;
      expect(told).to.include({ status: 203, endpoint: proof.endpoint, proof: "RECEIPT_CHECKED" });
      expect(Buffer.from(String(told.body), "base64").toString()).to.equal(
        "<script>alert(1)</script>",
      );
      expect(seen?.[0]).to.equal(`${ID}/a%20b?q=1`);
      expect(seen?.[1]).to.deep.include({
        method: "GET",
        nonce: NONCE,
        headers: [
          ["accept", "text/html"],
          ["payment-signature", "e30="],
        ],
      });
    });

    it("says how the session reaches the endpoint that answered", async () => {
      for (const [endpoint, way] of [
        ["sal://192.0.2.1:1?relay", "relayed"],
        ["sal://192.0.2.2:1?relay", "direct"],
        ["https://service.example/base", null],
      ] as const) {
        service = () =>
          Promise.reject(
            new ReceiptError(
              { code: "RECEIPT_MISSING", message: "none" },
              { ...proof, endpoint, response: new Response("no", { status: 402 }) },
            ),
          );
        const reply = await ask(`/call/${ID}/`, { headers: nonce });
        expect(JSON.parse(reply.body.toString())).to.deep.include({ endpoint, way });
      }
    });

    it("gives a response without a receipt as unproven, and failures with the client's own code", async () => {
      service = () =>
        Promise.reject(
          new ReceiptError(
            { code: "RECEIPT_MISSING", message: "none" },
            { ...proof, response: new Response("no", { status: 402 }) },
          ),
        );
      const unproven = JSON.parse(
        (await ask(`/call/${ID}/`, { headers: nonce })).body.toString(),
      ) as object;
      expect(unproven).to.include({ status: 402, receipt: null, proof: "RECEIPT_MISSING" });
      service = () => Promise.reject(new UnreachableError(ID, []));
      const failed = await ask(`/call/${ID}/`, { headers: nonce });
      expect(failed.status).to.equal(502);
      expect(JSON.parse(failed.body.toString())).to.include({
        code: "CALL_FAILED",
        reason: "SERVICE_UNREACHABLE",
      });
    });

    it("refuses names that are none, missing nonces, long bodies and other methods", async () => {
      service = () => Promise.reject(new Error("not asked"));
      const code = async (target: string, options: Parameters<typeof ask>[1]) =>
        codeOf(await ask(target, options));
      expect(await code("/call/127.0.0.1/", { headers: nonce })).to.equal("REQUEST_INVALID");
      expect(await code("/call/https:%2F%2Fevil.example/", { headers: nonce })).to.equal(
        "REQUEST_INVALID",
      );
      expect(await code(`/call/${ID}/`, {})).to.equal("REQUEST_INVALID");
      expect(await code(`/call/${ID}/`, { method: "PUT", headers: nonce })).to.equal(
        "METHOD_REFUSED",
      );
      const long = { method: "POST", headers: nonce, body: "x".repeat(70_000) };
      expect(await code(`/call/${ID}/`, long)).to.equal("BODY_TOO_LARGE");
    });
  });
});
