import { expect } from "chai";
import { once } from "node:events";
import { connect } from "node:net";
import { createMetrics } from "../../../src/node/metrics.ts";
import { HttpFront } from "../../../src/resolver/http/httpFront.ts";
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
  const log = new MemoryLog();

  const build = (listen = { host: "127.0.0.1", port: 0 }) => {
    const metrics = createMetrics("resolver");
    const timers = new FakeTimers();
    return new HttpFront(
      { listen, namesPerSecond: 50, maxConnections: 8, watches: { maxWaitingBytes: 65_536 } },
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
    socket.destroy();
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

  it("has so many connections", async () => {
    const open = Array.from({ length: 8 }, () => connect(port, "127.0.0.1"));
    await Promise.all(open.map((socket) => once(socket, "connect")));
    expect(await untilClosed(connect(port, "127.0.0.1"))).to.equal("");
    for (const socket of open) socket.destroy();
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
});
