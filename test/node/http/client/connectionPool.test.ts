import { expect } from "chai";
import { connect, type Socket } from "node:net";
import { mock } from "node:test";
import type { Call, CallFailure } from "../../../../src/node/http/client/call.ts";
import { ConnectionPool } from "../../../../src/node/http/client/connectionPool.ts";
import type { Message } from "../../../../src/node/http/client/message.ts";
import { ScriptedUpstream, type Step } from "../../../support/scriptedUpstream.ts";
import { settled } from "../../../support/settled.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SERVE: Step[] = ["request", { send: OK }];

describe("ConnectionPool", () => {
  const upstreams: ScriptedUpstream[] = [];
  const pools: ConnectionPool[] = [];
  // On a busy machine a second may pass between two requests.
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
  });
  afterEach(async () => {
    mock.timers.reset();
    for (const pool of pools.splice(0)) pool.close();
    for (const upstream of upstreams.splice(0)) await upstream.close();
  });

  async function pooled(script: Parameters<typeof ScriptedUpstream.start>[0]) {
    const upstream = await ScriptedUpstream.start(script);
    upstreams.push(upstream);
    const pool = new ConnectionPool(() =>
      connect({ host: "127.0.0.1", port: Number(upstream.url.port) }),
    );
    pools.push(pool);
    return { upstream, pool };
  }

  type Outcome = { body: string; message: Message } | { failure: CallFailure } | { broken: Error };

  /** Sends a request with a body in parts, and reads the response. */
  function ask(
    pool: ConnectionPool,
    {
      isKept = true,
      body = [],
      ...others
    }: Partial<Call> & { isKept?: boolean; body?: string[] } = {},
  ): Promise<Outcome> {
    return new Promise((resolve) => {
      const running = pool.send(
        {
          ...{ method: "GET", target: "/", headers: ["Host", "x"], upgrade: false },
          answered: (message) => {
            let got = "";
            message.read({
              data: (part) => (got += part.toString("latin1")),
              end: () => {
                resolve({ body: got, message });
              },
              failed: (broken) => {
                resolve({ broken });
              },
            });
          },
          switched: (_message: Message, socket: Socket) => {
            socket.destroy();
          },
          drained: () => {},
          failed: (failure) => {
            resolve({ failure });
          },
          ...others,
        },
        isKept,
      );
      for (const part of body) running.write(Buffer.from(part));
      running.end();
    });
  }

  it("uses a connection again, and keeps none that was meant for one request", async () => {
    const { upstream, pool } = await pooled([...SERVE, ...SERVE, ...SERVE]);
    for (let time = 0; time < 3; time++) expect(await ask(pool)).to.have.property("body", "ok");
    expect(upstream.connections.length).to.equal(1);
    for (let time = 0; time < 2; time++) await ask(pool, { isKept: false });
    expect(upstream.connections.length).to.equal(3);
    expect(upstream.connections[0]?.[0]).to.contain("\r\nConnection: keep-alive");
    expect(upstream.connections[1]?.[0]).to.contain("\r\nConnection: close");
    expect(await settled(() => upstream.open)).to.equal(1);
  });

  it("keeps no connection that its server closes, may close soon, or has said too much on", async () => {
    for (const said of [
      OK.replace("OK\r\n", "OK\r\nConnection: Close\r\n"),
      OK.replace("OK\r\n", "OK\r\nConnection: x, close\r\n"),
      OK.replace("OK\r\n", "OK\r\nKeep-Alive: timeout=2\r\n"),
      OK.replace("HTTP/1.1", "HTTP/1.0"),
      `${OK}EXTRA`,
    ]) {
      const { upstream, pool } = await pooled(["request", { send: said }, ...SERVE]);
      for (let time = 0; time < 2; time++) {
        expect(await ask(pool), said).to.have.property("body", "ok");
      }
      expect(upstream.connections.length, said).to.equal(2);
    }
    for (const said of [
      OK.replace("OK\r\n", "OK\r\nKeep-Alive: timeout=5, max=9\r\n"),
      OK.replace("1.1 200 OK\r\n", "1.0 200 OK\r\nConnection: Keep-Alive\r\n"),
    ]) {
      const { upstream, pool } = await pooled(["request", { send: said }, ...SERVE]);
      for (let time = 0; time < 2; time++) await ask(pool);
      expect(upstream.connections.length, said).to.equal(1);
    }
  });

  it("does not take a late body of a response without body for the next response", async () => {
    const late = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    const length = `Content-Length: ${late.length}`;
    for (const [method, head] of [
      ["HEAD", `200 OK\r\n${length}`],
      ["HEAD", "200 OK"],
      ["GET", `304 Not Modified\r\n${length}`],
      ["GET", "204 No Content\r\nTransfer-Encoding: chunked"],
    ] as const) {
      const { upstream, pool } = await pooled((connection) =>
        connection === 0
          ? ["request", { send: `HTTP/1.1 ${head}\r\n\r\n` }, "request", { send: late + OK }]
          : SERVE,
      );
      expect(await ask(pool, { method }), head).to.have.property("body", "");
      expect(await ask(pool), head).to.have.property("body", "ok");
      expect(upstream.connections.length, head).to.equal(2);
    }
    const { upstream, pool } = await pooled([
      ...["request" as const, { send: "HTTP/1.1 304 Not Modified\r\n\r\n" }],
      ...["request" as const, { send: "HTTP/1.1 204 No Content\r\n\r\n" }],
    ]);
    for (let time = 0; time < 2; time++) expect(await ask(pool)).to.have.property("body", "");
    expect(upstream.connections.length).to.equal(1);
  });

  it("closes idle connections after one to two seconds", async () => {
    const { upstream, pool } = await pooled([...SERVE, ...SERVE]);
    await ask(pool);
    mock.timers.tick(1_000);
    expect(await settled(() => upstream.open)).to.equal(1);
    await ask(pool);
    expect(upstream.connections.length).to.equal(1);
    mock.timers.tick(1_000);
    expect(await settled(() => upstream.open)).to.equal(1);
    mock.timers.tick(1_000);
    expect(await settled(() => upstream.open)).to.equal(0);
  });

  it("closes idle connections at its own end, and the others when they have served", async () => {
    const ended = Promise.withResolvers<undefined>();
    const { upstream, pool } = await pooled((connection) =>
      connection === 0 ? SERVE : ["request", { wait: ended.promise }, { send: OK }],
    );
    await ask(pool);
    const slow = ask(pool, { isKept: false });
    pool.close();
    ended.resolve(undefined);
    expect(await slow).to.have.property("body", "ok");
    expect(await settled(() => upstream.open)).to.equal(0);
  });

  it("tells a connection that was closed while idle from a server that fails", async () => {
    // Reset on the second request, before a byte of its response, or after some.
    for (const [said, isStale] of [
      ["", true],
      ["HTTP/1.1 103 Early Hints\r\n\r\n", false],
      ["HTTP/1.1 2", false],
    ] as const) {
      const { pool } = await pooled([...SERVE, "request", { send: said }, "close"]);
      await ask(pool);
      const outcome = await ask(pool);
      expect(outcome, said).to.have.nested.property("failure.isStale", isStale);
      expect(outcome, said).to.have.nested.property("failure.cause.code", "ECONNRESET");
    }
    const { pool } = await pooled(["request", "close"]);
    expect(await ask(pool)).to.have.nested.property("failure.isStale", false);
  });

  it("sends a body as its fields say, and never keeps a connection with the rest of one", async () => {
    const { upstream, pool } = await pooled(["request", "request", { send: OK }]);
    const headers = ["Host", "x", "Transfer-Encoding", "chunked"];
    // The end of the chunks ends the second head of the script.
    const outcome = await ask(pool, {
      method: "POST",
      headers,
      body: ["first", "", "second part"],
    });
    expect(outcome).to.have.property("body", "ok");
    const chunks = "5\r\nfirst\r\nb\r\nsecond part\r\n0";
    expect(upstream.connections[0]?.[1]).to.equal(chunks);
  });

  it("reports a body that breaks off", async () => {
    for (const head of ["Content-Length: 9", "Transfer-Encoding: chunked"]) {
      const part = head.startsWith("C") ? "some" : "4\r\nsome\r\n";
      const send = `HTTP/1.1 200 OK\r\n${head}\r\n\r\n${part}`;
      const { pool } = await pooled(["request", { send }, "close"]);
      expect(await ask(pool), head).to.have.nested.property("broken.code", "ECONNRESET");
    }
  });

  it("leaves a connection alone when a request that it has served is cancelled", async () => {
    const { upstream, pool } = await pooled([...SERVE, ...SERVE]);
    let done = Promise.withResolvers<undefined>();
    const call: Call = {
      ...{ method: "GET", target: "/", headers: ["Host", "x"], upgrade: false },
      answered: (message) => {
        message.read({
          data: () => {},
          end: () => {
            done.resolve(undefined);
          },
          failed: done.reject,
        });
      },
      switched: () => {},
      drained: () => {},
      failed: done.reject,
    };
    const first = pool.send(call, true);
    first.end();
    await done.promise;
    done = Promise.withResolvers();
    const second = pool.send(call, true);
    first.cancel();
    second.end();
    await done.promise;
    expect(upstream.connections.length).to.equal(1);
    pool.send(call, true).cancel();
    expect(await settled(() => upstream.open)).to.equal(0);
  });

  it("tells the reader of a body when its request is cancelled", async () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome";
    const { upstream, pool } = await pooled(["request", { send: head }]);
    const failed = Promise.withResolvers<Error>();
    const call: Call = {
      ...{ method: "GET", target: "/", headers: ["Host", "x"], upgrade: false },
      answered: (message) => {
        message.read({
          data: () => {
            running.cancel();
          },
          end: () => {
            failed.reject(new Error("It is complete."));
          },
          failed: failed.resolve,
        });
      },
      switched: () => {},
      drained: () => {},
      failed: ({ cause }) => {
        failed.reject(cause);
      },
    };
    const running = pool.send(call, true);
    running.end();
    expect(await failed.promise).to.have.property("code", "ECONNRESET");
    expect(await settled(() => upstream.open)).to.equal(0);
  });

  it("sends no head that could be read as two", () => {
    const pool = new ConnectionPool(() => expect.fail("It connects."));
    for (const wrong of [
      { target: "/ HTTP/1.1\r\nX: y" },
      { target: "/a b" },
      { method: "GET /" },
      { headers: ["X", "a\r\nY: b"] },
      { headers: ["X\n", "a"] },
    ]) {
      const call = { method: "GET", target: "/", headers: [], upgrade: false, ...wrong };
      const unused = { answered() {}, switched() {}, drained() {}, failed() {} };
      expect(() => pool.send({ ...call, ...unused }, true)).to.throw(TypeError);
    }
  });
});
