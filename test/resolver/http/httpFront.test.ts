import { expect } from "chai";
import { once } from "node:events";
import { connect } from "node:net";
import { createMetrics, type Metrics } from "../../../src/node/metrics.ts";
import { parseCidr } from "../../../src/net/cidr.ts";
import { HttpFront, type HttpFrontOptions } from "../../../src/resolver/http/httpFront.ts";
import { HttpMetrics } from "../../../src/resolver/frontMetrics.ts";
import { answerOf, FakeResolver } from "../../support/fakeResolver.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { ask, head, sendRaw, untilClosed } from "../../support/httpClient.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { rejection } from "../../support/rejection.ts";

const NAME = "weather.bloc.alt";

describe("HttpFront", () => {
  let front: HttpFront;
  let resolver: FakeResolver;
  let port: number;
  let metrics: Metrics;
  const log = new MemoryLog();

  const build = (
    listen: HttpFrontOptions["listen"] = { host: "127.0.0.1", port: 0 },
    options: Partial<HttpFrontOptions> = {},
  ) => {
    metrics = createMetrics("resolver");
    const timers = new FakeTimers();
    return new HttpFront(
      {
        ...{ listen, namesPerSecond: 50, maxConnections: 8 },
        ...{ watches: { maxWaitingBytes: 65_536 }, ...options },
      },
      {
        resolver,
        metrics,
        observer: new HttpMetrics(metrics),
        now: () => 1_700_000_000_000,
        timers,
        log,
      },
    );
  };

  beforeEach(async () => {
    resolver = new FakeResolver();
    resolver.set(NAME, answerOf(7n));
    front = build();
    await front.start();
    port = front.address.port;
  });
  afterEach(() => front.stop());

  it("answers over a socket, and counts an address's rate", async () => {
    const answer = await ask({ port, path: `/v1/resolve/${NAME}` });
    expect(answer.status).to.equal(200);
    // Pages of any origin may read it.
    expect(answer.headers).to.include({ "access-control-allow-origin": "*" });
    expect(JSON.parse(answer.body.toString())).to.include({ name: NAME, record: "0xc0ffee" });
    const statuses = new Set<number>();
    for (let n = 0; n < 110; n++) statuses.add((await ask({ port, path: "/v1/resolve/7" })).status);
    expect([...statuses]).to.deep.equal([400, 429]);
  });

  it("shows its metrics to clients on the same host", async () => {
    await ask({ port, path: `/v1/resolve/${NAME}` });
    const { body } = await ask({ port, path: "/metrics" });
    expect(body.toString()).to.contain('blockcloud_resolver_requests_total{status="2xx"} 1');
  });

  it("counts every response, and has them all in its last metrics, too", async () => {
    for (const path of [`/v1/resolve/${NAME}`, "/v1/resolve/7", "/nowhere"]) {
      await ask({ port, path });
    }
    const lines = async () => {
      const { text } = await metrics.expose();
      return text
        .split("\n")
        .filter((line) => /^blockcloud_resolver_request(s_total|_seconds_count)/.test(line));
    };
    const counts = (good: number, bad: number) => [
      `blockcloud_resolver_requests_total{status="2xx"} ${good}`,
      'blockcloud_resolver_requests_total{status="3xx"} 0',
      `blockcloud_resolver_requests_total{status="4xx"} ${bad}`,
      'blockcloud_resolver_requests_total{status="5xx"} 0',
      `blockcloud_resolver_request_seconds_count ${good + bad}`,
    ];
    expect(await lines()).to.deep.equal(counts(1, 2));
    await ask({ port, path: `/v1/resolve/${NAME}` });
    await front.stop();
    expect(await lines()).to.deep.equal(counts(2, 2));
  });

  it("sends events as they happen, and learns that a client has gone", async () => {
    const message = await head({ port, path: `/v1/watch?name=${NAME}` });
    const parts = message.iterator({ destroyOnReturn: false });
    const until = async (wanted: string) => {
      let text = "";
      while (!text.includes(wanted)) text += String((await parts.next()).value);
    };
    await until("0xc0ffee");
    resolver.set(NAME, answerOf(7n, { record: "0xbeef" }));
    await until("0xbeef");
    message.destroy();
    while (resolver.watching > 0) await new Promise(setImmediate);
  });

  it("cuts the connection of a client that does not read its events", async () => {
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET /v1/watch?name=${NAME} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, "readable");
    expect(resolver.watching).to.equal(1);
    for (let n = 0; resolver.watching > 0; n++) {
      resolver.set(NAME, answerOf(7n, { record: `0x${"ab".repeat(2_000)}${n}` }));
      await new Promise(setImmediate);
    }
    expect((await untilClosed(socket)).endsWith("\r\n0\r\n\r\n")).to.equal(false);
  });

  it("calls a lookup off whose client has left", async () => {
    const { promise, resolve: open } = Promise.withResolvers<undefined>();
    resolver.gate = promise;
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET /v1/resolve/${NAME} HTTP/1.1\r\nHost: x\r\n\r\n`);
    while (resolver.asked.length === 0) await new Promise(setImmediate);
    const { signal } = resolver.asked[0]!;
    const aborted = once(signal!, "abort");
    // A FIN alone may come from a client that still reads.
    socket.resetAndDestroy();
    await aborted;
    open(undefined);
  });

  it("takes no head and no body without end", async () => {
    const long = await sendRaw(
      port,
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(17_000)}\r\n\r\n`,
    );
    expect(long).to.match(/^HTTP\/1\.1 431 /);
    const body = Buffer.alloc(70_000, 0x20);
    const sized = await ask({ port, method: "POST", path: "/v1/resolve", body });
    expect(sized.status).to.equal(413);
    const chunked = await ask({
      port,
      method: "POST",
      path: "/v1/resolve",
      headers: { "transfer-encoding": "chunked" },
      body,
    });
    expect(chunked.status).to.equal(413);
    expect(await sendRaw(port, "nonsense\r\n\r\n")).to.match(/^HTTP\/1\.1 400 /);
  });

  it("has so many connections, of which an idle one makes room for a new one", async () => {
    const open = Array.from({ length: 7 }, () => connect(port, "127.0.0.1"));
    await Promise.all(open.map((socket) => once(socket, "connect")));
    const watch = await head({ port, path: `/v1/watch?name=${NAME}` });
    const [oldest] = open;
    const gone = once(oldest?.resume() ?? expect.fail("open"), "close");
    expect((await ask({ port, path: "/healthz" })).status).to.equal(200);
    await gone;
    expect(watch.complete).to.equal(false);
    watch.destroy();
    for (const socket of open) socket.destroy();
  });

  it("has only so many connections of one address, and serves others", async () => {
    await front.stop();
    front = build(undefined, { maxConnections: 100, maxConnectionsPerPeer: 2 });
    await front.start();
    ({ port } = front.address);
    const open = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
    await Promise.all(open.map((socket) => once(socket, "connect")));
    expect(await untilClosed(connect(port, "127.0.0.1"))).to.equal("");
    expect((await ask({ port, path: "/healthz", from: "127.0.0.9" })).status).to.equal(200);
    for (const socket of open) socket.destroy();
  });

  it("answers a client that has closed its half of the connection", async () => {
    const { promise, resolve: open } = Promise.withResolvers<undefined>();
    resolver.gate = promise;
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end(`GET /v1/resolve/${NAME} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const answered = untilClosed(socket);
    while (resolver.asked.length === 0) await new Promise(setImmediate);
    // The FIN came with the question; the look-up goes on.
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    open(undefined);
    expect(await answered).to.match(/^HTTP\/1\.1 200 .*0xc0ffee/s);
  });

  it("ends the watch of a client that has closed its half, because that has no end of its own", async () => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end(`GET /v1/watch?name=${NAME} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await untilClosed(socket);
    expect(resolver.watching).to.equal(0);
  });

  it("reads a body in chunks, as every fetch with a stream sends it", async () => {
    const body = Buffer.from(JSON.stringify({ names: [NAME] }));
    const path = "/v1/resolve";
    for (const headers of [
      { "transfer-encoding": "chunked" },
      { "transfer-encoding": "Chunked", expect: "100-continue" },
      { "content-length": `${body.length}` },
    ]) {
      const answer = await ask({ port, method: "POST", path, headers, body });
      expect([answer.status, answer.body.toString()]).to.satisfy(
        ([status, text]: [number, string]) => status === 200 && text.includes("0xc0ffee"),
      );
    }
    expect(log.said("error")).to.deep.equal([]);
    const packed = `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n0\r\n\r\n`;
    expect(await sendRaw(port, packed)).to.match(/^HTTP\/1\.1 501 .*TRANSFER_CODING_REFUSED/s);
  });

  it("answers HEAD as GET without a body, and holds no watch for it", async () => {
    for (let n = 0; n < 20; n++) {
      const answer = await ask({ port, method: "HEAD", path: `/v1/watch?name=${NAME}` });
      expect(answer.status).to.equal(200);
      expect(answer.headers["content-type"]).to.equal("text/event-stream");
    }
    expect(resolver.watching).to.equal(0);
    const [asHead, asGet] = await Promise.all(
      ["HEAD", "GET"].map((method) => ask({ port, method, path: `/v1/resolve/${NAME}` })),
    );
    expect(asHead?.body.length).to.equal(0);
    for (const field of ["content-length", "content-type", "etag", "cache-control"]) {
      expect(asHead?.headers[field], field).to.equal(asGet?.headers[field]);
    }
  });

  it("serves HTTP/1.0 without a Host, as a proxy's health check sends it, and absolute targets", async () => {
    expect(await sendRaw(port, "GET /healthz HTTP/1.0\r\n\r\n")).to.match(/^HTTP\/1\.1 200 /);
    const absolute = `GET http://x/v1/resolve/${NAME}?y HTTP/1.1\r\nHost: z\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(port, absolute)).to.match(/^HTTP\/1\.1 200 .*0xc0ffee/s);
    const fragment = `GET /v1/resolve/${NAME}#x HTTP/1.1\r\nHost: z\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(port, fragment)).to.match(/^HTTP\/1\.1 404 .*PATH_UNKNOWN/s);
  });

  it("refuses several Host fields and a malformed one", async () => {
    for (const fields of ["Host: a\r\nHost: b", "Host: a b/c@d", "Host: a@b", "Host: a, b"]) {
      const text = `GET /healthz HTTP/1.1\r\n${fields}\r\nConnection: close\r\n\r\n`;
      expect(await sendRaw(port, text), fields).to.match(/^HTTP\/1\.1 400 .*REQUEST_INVALID/s);
    }
  });

  it("answers the request before bytes that are no request", async () => {
    const good = `GET /v1/resolve/${NAME} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const said = await sendRaw(port, `${good}GARBAGE\r\n\r\n`);
    expect(said).to.match(/^HTTP\/1\.1 200 .*0xc0ffee/s);
    expect(await sendRaw(port, "GARBAGE\r\n\r\n")).to.match(/^HTTP\/1\.1 400 /);
  });

  it("counts a client as a trusted proxy names it, and shows metrics to none behind a proxy", async () => {
    await front.stop();
    front = build(undefined, { trustedProxies: [parseCidr("127.0.0.2") ?? expect.fail("range")] });
    await front.start();
    ({ port } = front.address);
    const by = async (client: string, path: string, from: string) =>
      (await ask({ port, path, from, headers: { "X-Forwarded-For": client } })).status;
    const statuses = new Set<number>();
    for (let n = 0; n < 110; n++)
      statuses.add(await by("198.51.100.1", "/v1/resolve/7", "127.0.0.2"));
    expect([...statuses]).to.deep.equal([400, 429]);
    expect(await by("198.51.100.2", "/v1/resolve/7", "127.0.0.2")).to.equal(400);
    expect(await by("198.51.100.2", "/metrics", "127.0.0.2")).to.equal(403);
    expect(await by("198.51.100.2", "/metrics", "127.0.0.1")).to.equal(403);
    expect((await ask({ port, path: "/metrics" })).status).to.equal(200);
  });

  it("ends watches and connections when it stops", async () => {
    const message = await head({ port, path: `/v1/watch?name=${NAME}` });
    message.on("error", () => {});
    const closed = new Promise((resolve) => message.once("close", resolve));
    await front.stop();
    message.resume();
    await closed;
    expect(resolver.watching).to.equal(0);
  });

  it("says when its address is taken", async () => {
    await rejection("HTTP_LISTEN", build({ host: "127.0.0.1", port }).start());
  });

  it("shares its address with another that asks for it, and with no other", async () => {
    const shared = { host: "127.0.0.1", shared: true };
    const first = build({ ...shared, port: 0 });
    await first.start();
    const { port: both } = first.address;
    const second = build({ ...shared, port: both });
    await second.start();
    try {
      await rejection("HTTP_LISTEN", build({ host: "127.0.0.1", port: both }).start());
      await first.stop();
      expect((await ask({ port: both, path: `/v1/resolve/${NAME}` })).status).to.equal(200);
    } finally {
      await first.stop();
      await second.stop();
    }
  });
});
