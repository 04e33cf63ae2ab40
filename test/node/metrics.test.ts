import { expect } from "chai";
import { createMetrics, type Metrics } from "../../src/node/metrics.ts";

describe("metrics", () => {
  let metrics: Metrics;
  beforeEach(() => {
    metrics = createMetrics("auditor");
  });

  /** The lines of a metric, as a scraper sees them. */
  async function lines(name: string): Promise<string[]> {
    const { text } = await metrics.expose();
    return text.split("\n").filter((line) => line.startsWith(name));
  }

  it("say what the process is, and how Node does", async () => {
    expect(await lines("blockcloud_worker_info")).to.deep.equal([
      'blockcloud_worker_info{worker="auditor"} 1',
    ]);
    for (const name of ["process_resident_memory_bytes ", "nodejs_eventloop_lag_seconds "]) {
      expect(await lines(name)).to.have.length(1);
    }
  });

  it("count from 0 with every declared value, since a rate needs the zero", async () => {
    const votes = metrics.counter("votes_total", "Votes.", {
      grade: ["GOOD", "POOR"],
      by: ["a", "b"],
    });
    votes.add(2, { grade: "GOOD", by: "b" });
    expect(await lines("votes_total")).to.deep.equal([
      'votes_total{grade="GOOD",by="a"} 0',
      'votes_total{grade="GOOD",by="b"} 2',
      'votes_total{grade="POOR",by="a"} 0',
      'votes_total{grade="POOR",by="b"} 0',
    ]);
  });

  it("make no series of a value that a stranger invents", async () => {
    const failures = metrics.counter("failures_total", "Failures.", { reason: ["status"] });
    for (let i = 0; i < 1_000; i++) failures.add(1, { reason: `reason ${i}` });
    failures.add(1, { reason: "__proto__" });
    expect(await lines("failures_total")).to.deep.equal([
      'failures_total{reason="status"} 0',
      'failures_total{reason="other"} 1001',
    ]);
  });

  it("check frozen labels again after a value came or went", async () => {
    const requests = metrics.counter("requests_total", "Requests.", { service: [] });
    const labels = Object.freeze({ service: "1" });
    requests.add(1, labels);
    metrics.admit("service", "1");
    requests.add(2, labels);
    requests.add(3, labels);
    expect(await lines("requests_total")).to.deep.equal([
      'requests_total{service="other"} 1',
      'requests_total{service="1"} 5',
    ]);
    metrics.dismiss("service", "1");
    requests.add(4, labels);
    expect(await lines("requests_total")).to.deep.equal(['requests_total{service="other"} 5']);
  });

  it("take amounts beyond a double's precision, which a ledger would not", async () => {
    metrics.counter("fees_wei_total", "Fees.").add(10n ** 21n + 1n, {});
    expect(await lines("fees_wei_total")).to.deep.equal(["fees_wei_total 1e+21"]);
  });

  it("read a gauge when somebody asks, and say NaN where there is nothing to read", async () => {
    let head: number | undefined = undefined;
    metrics.gauge("head_block", "Head.", {}, () => head);
    expect(await lines("head_block")).to.deep.equal(["head_block Nan"]);
    head = 7;
    expect(await lines("head_block")).to.deep.equal(["head_block 7"]);
  });

  it("spread times over buckets", async () => {
    const times = metrics.histogram("time_seconds", "Times.", [1, 2], { method: ["a"] });
    for (const seconds of [0.5, 1.5, 3]) times.observe(seconds, { method: "a" });
    expect(await lines("time_seconds")).to.deep.equal([
      'time_seconds_bucket{le="1",method="a"} 1',
      'time_seconds_bucket{le="2",method="a"} 2',
      'time_seconds_bucket{le="+Inf",method="a"} 3',
      'time_seconds_sum{method="a"} 5',
      'time_seconds_count{method="a"} 3',
    ]);
  });

  it("begin a histogram without labels at 0, and put a value on a bound into its bucket", async () => {
    const times = metrics.histogram("wait_seconds", "Waits.", [1, 2]);
    const counts = async () => (await lines("wait_seconds")).map((line) => line.split(" ")[1]);
    expect(await counts()).to.deep.equal(["0", "0", "0", "0", "0"]);
    for (const seconds of [1, 2, 2.5]) times.observe(seconds, {});
    expect(await counts()).to.deep.equal(["1", "2", "3", "5.5", "3"]);
    expect(() => {
      times.observe(NaN, {});
    }).to.throw(TypeError);
    expect(await counts()).to.deep.equal(["1", "2", "3", "5.5", "3"]);
  });

  it("keep a histogram's series apart, and remove those of a value that has gone", async () => {
    const times = metrics.histogram("call_seconds", "Calls.", [1], { service: [], way: ["a"] });
    metrics.admit("service", "7");
    times.observe(0.5, { service: "7", way: "a" });
    times.observe(3, { service: "stranger", way: "a" });
    const counts = async () => lines("call_seconds_count");
    expect(await counts()).to.deep.equal([
      'call_seconds_count{service="7",way="a"} 1',
      'call_seconds_count{service="other",way="a"} 1',
    ]);
    metrics.dismiss("service", "7");
    expect(await counts()).to.deep.equal(['call_seconds_count{service="other",way="a"} 1']);
  });

  it("have in each exposition what was counted in plain numbers up to it", async () => {
    const served = metrics.counter("served_total", "Served.");
    let count = 0;
    metrics.beforeExposition(() => {
      served.add(count, {});
      count = 0;
    });
    count = 3;
    expect(await lines("served_total")).to.deep.equal(["served_total 3"]);
    count = 4;
    expect(await lines("served_total")).to.deep.equal(["served_total 7"]);
    expect(await lines("served_total")).to.deep.equal(["served_total 7"]);
  });

  it("of two workers in one process do not mix", async () => {
    const other = createMetrics("provider");
    metrics.counter("mine_total", "Mine.").add(1, {});
    other.counter("mine_total", "Mine.");
    expect(await lines("mine_total")).to.deep.equal(["mine_total 1"]);
    expect((await other.expose()).text).to.contain("mine_total 0");
  });
});

describe("health", () => {
  it("is well when each check is, and names the one that is not", () => {
    const { health } = createMetrics("auditor");
    let reason: string | undefined = undefined;
    health.register("chain_head", () => reason);
    health.register("duty_audit", () => undefined);
    expect(health.report()).to.deep.equal({
      ok: true,
      checks: [
        { name: "chain_head", ok: true },
        { name: "duty_audit", ok: true },
      ],
    });
    reason = "no new block for 130 s";
    expect(health.report()).to.deep.equal({
      ok: false,
      checks: [
        { name: "chain_head", ok: false, reason },
        { name: "duty_audit", ok: true },
      ],
    });
  });

  it("takes a check that breaks for a bad sign, and does not repeat what it threw", () => {
    const { health } = createMetrics("auditor");
    health.register("rpc", () => {
      throw new Error("https://rpc.example/v2/secret");
    });
    const report = health.report();
    expect(report.ok).to.equal(false);
    expect(JSON.stringify(report)).not.to.contain("secret");
  });
});
