import { expect } from "chai";
import { WhenReachable } from "../../src/chain/whenReachable.ts";
import { createMetrics, type Metrics } from "../../src/node/metrics.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { FakeTimers } from "../support/fakeTime.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { rejection } from "../support/rejection.ts";

describe("WhenReachable", () => {
  let timers: FakeTimers;
  let log: MemoryLog;
  let metrics: Metrics;
  let steps: string[];
  /** What the chain does at its start. */
  let chain: () => Promise<undefined>;
  let fault: string | undefined;
  let broken: boolean;
  let failed: unknown;
  let worker: WhenReachable;

  beforeEach(() => {
    timers = new FakeTimers();
    log = new MemoryLog();
    metrics = createMetrics("provider");
    steps = [];
    chain = () => Promise.resolve(undefined);
    [fault, broken, failed] = [undefined, false, undefined];
    const step = (name: string) => async () => {
      steps.push(name);
      if (name === "chain") await chain();
      if (name === "chain" && fault !== undefined) throw new BlockcloudError(fault, "No.");
      if (name === "rest" && broken) throw new Error("no rest");
    };
    worker = new WhenReachable(
      { waits: ["record"] },
      {
        chain: { start: step("chain"), stop: step("no chain") },
        always: { start: step("always"), stop: step("not always") },
        rest: { start: step("rest"), stop: step("no rest") },
        ...{ timers, log, metrics },
        fail: (error) => {
          failed = error;
        },
      },
    );
  });
  afterEach(() => worker.stop());

  const isWell = () => metrics.health.report().ok;

  it("starts all at once where the chain can be reached", async () => {
    await worker.start();
    expect(steps).to.deep.equal(["chain", "always", "rest"]);
    expect(log.lines).to.deep.equal([]);
    expect(isWell()).to.equal(true);
  });

  it("starts without the chain, says what waits, and does it when the chain is there", async () => {
    fault = "CHAIN_UNREACHABLE";
    await worker.start();
    expect(log.lines[0]?.fields.waits).to.deep.equal(["record"]);
    expect(isWell()).to.equal(false);
    await timers.advance(120_000);
    expect(steps.length, "each try later than the one before").to.be.within(6, 11);
    expect(new Set(steps)).to.deep.equal(new Set(["chain", "always"]));
    fault = undefined;
    await timers.advance(30_000);
    expect(steps.at(-1)).to.equal("rest");
    expect(log.said("info")).to.deep.equal(["the chain can be reached: waiting tasks begin"]);
    expect(isWell()).to.equal(true);
  });

  it("does not start on another chain, nor with a rest that is broken", async () => {
    fault = "CHAIN_MISMATCH";
    await rejection("CHAIN_MISMATCH", worker.start());
    expect(steps).to.deep.equal(["chain"]);
  });

  it("does not wait longer for an endpoint that does not answer", async () => {
    const answer = Promise.withResolvers<undefined>();
    chain = () => answer.promise;
    const starting = worker.start();
    await timers.advance(2_900);
    expect(steps).to.deep.equal(["chain"]);
    await timers.advance(100);
    await starting;
    expect(steps).to.deep.equal(["chain", "always"]);
    expect(isWell()).to.equal(false);
    answer.resolve(undefined);
    await timers.advance(0);
    expect(steps).to.deep.equal(["chain", "always", "rest"]);
    expect(isWell()).to.equal(true);
  });

  it("ends the worker for what the chain says when it is there, and starts nothing of the rest", async () => {
    fault = "CHAIN_UNREACHABLE";
    await worker.start();
    fault = "SERVICE_KEY_OTHER";
    await timers.advance(60_000);
    expect(failed).to.include({ code: "SERVICE_KEY_OTHER" });
    expect(steps).to.deep.equal(["chain", "always", "chain"]);
    expect(isWell()).to.equal(false);
  });

  it("says so where what waited is broken, and is unwell from then on", async () => {
    fault = "CHAIN_UNREACHABLE";
    await worker.start();
    [fault, broken] = [undefined, true];
    await timers.advance(1_000);
    expect(log.said("error")).to.have.length(2);
    expect(isWell()).to.equal(false);
  });

  it("stops at any moment", async () => {
    fault = "CHAIN_UNREACHABLE";
    await worker.start();
    await worker.stop();
    await timers.advance(60_000);
    expect(steps).to.deep.equal(["chain", "always", "not always", "no chain"]);
    expect(timers.sleeping).to.equal(0);
  });
});
