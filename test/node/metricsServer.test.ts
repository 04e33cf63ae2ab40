import { expect } from "chai";
import { connect } from "node:net";
import { createMetrics, type Metrics } from "../../src/node/metrics.ts";
import { MetricsServer } from "../../src/node/metricsServer.ts";
import { ask, sendRaw, untilClosed } from "../support/httpClient.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { rejection } from "../support/rejection.ts";

describe("MetricsServer", () => {
  let metrics: Metrics;
  let server: MetricsServer;
  let log: MemoryLog;
  let port: number;

  beforeEach(async () => {
    metrics = createMetrics("auditor");
    log = new MemoryLog();
    server = new MetricsServer({ listen: { host: "127.0.0.1", port: 0 } }, { metrics, log });
    await server.start();
    port = server.address.port;
  });
  afterEach(() => server.stop());

  it("serves a scraper", async () => {
    metrics.counter("blockcloud_votes_total", "Votes.").add(3, {});
    const answer = await ask({ port, path: "/metrics" });
    expect(answer.status).to.equal(200);
    expect(answer.headers["content-type"]).to.equal("text/plain; version=0.0.4; charset=utf-8");
    const text = answer.body.toString();
    expect(text).to.contain("# TYPE blockcloud_votes_total counter\nblockcloud_votes_total 3\n");
    expect(text).to.contain("process_cpu_seconds_total");
  });

  it("answers a probe with 200 while all is well and 503 when it is not", async () => {
    let reason: string | undefined = undefined;
    metrics.health.register("chain_head", () => reason);
    const well = await ask({ port, path: "/healthz" });
    expect(well.status).to.equal(200);
    expect(JSON.parse(well.body.toString())).to.deep.equal({
      ok: true,
      checks: [{ name: "chain_head", ok: true }],
    });
    reason = "no new block for 130 s";
    const unwell = await ask({ port, path: "/healthz" });
    expect(unwell.status).to.equal(503);
    expect(unwell.headers["cache-control"]).to.equal("no-store");
    expect(JSON.parse(unwell.body.toString())).to.deep.equal({
      ok: false,
      checks: [{ name: "chain_head", ok: false, reason }],
    });
  });

  it("answers a health check in HTTP/1.0 without a Host, and one that has closed its half", async () => {
    const line = "GET /healthz HTTP/1.0\r\n\r\n";
    expect(await sendRaw(port, line)).to.match(/^HTTP\/1\.1 200 /);
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await untilClosed(socket)).to.match(/^HTTP\/1\.1 200 .*blockcloud_worker_info/s);
    const asHead = await ask({ port, path: "/healthz", method: "HEAD" });
    expect([asHead.status, asHead.body.length]).to.deep.equal([200, 0]);
  });

  it("refuses what HTTP forbids", async () => {
    for (const fields of ["Host: a\r\nHost: b", "Host: a b/c@d"]) {
      const text = `GET /metrics HTTP/1.1\r\n${fields}\r\nConnection: close\r\n\r\n`;
      expect(await sendRaw(port, text), fields).to.match(/^HTTP\/1\.1 400 /);
    }
  });

  it("has nothing else to say", async () => {
    for (const path of ["/", "/metrics/", "/../etc/passwd", "/debug", "/healthz/x"]) {
      expect((await ask({ port, path })).status, path).to.equal(404);
    }
    for (const method of ["POST", "PUT", "DELETE"]) {
      const { status, headers } = await ask({ port, path: "/metrics", method });
      expect([status, headers.allow], method).to.deep.equal([405, "GET, HEAD"]);
    }
  });

  it("does not tell a stranger why metrics cannot be read", async () => {
    metrics.gauge("broken", "Broken.", {}, () => {
      throw new Error("https://rpc.example/v2/secret");
    });
    const answer = await ask({ port, path: "/metrics" });
    expect(answer.status).to.equal(500);
    expect(answer.body.toString()).not.to.contain("secret");
    expect(log.said("error")).to.deep.equal(["metrics cannot be served"]);
  });

  it("turns away more connections than a scraper needs", async () => {
    const open = Array.from({ length: 16 }, () => connect(port, "127.0.0.1"));
    await Promise.all(
      open.map((socket) => new Promise((resolve) => socket.on("connect", resolve))),
    );
    const last = connect(port, "127.0.0.1");
    expect(await untilClosed(last)).to.equal("");
    for (const socket of open) socket.destroy();
  });

  it("says when its address is taken", async () => {
    const second = new MetricsServer({ listen: { host: "127.0.0.1", port } }, { metrics, log });
    const error = await rejection("METRICS_LISTEN", second.start());
    expect(error.message).to.contain(`127.0.0.1:${port}`);
    await second.stop();
  });

  it("lets go of scrapers that keep their connection when it stops", async () => {
    const idle = connect(port, "127.0.0.1");
    await new Promise((resolve) => idle.on("connect", resolve));
    await server.stop();
    expect(await untilClosed(idle)).to.equal("");
  });
});
