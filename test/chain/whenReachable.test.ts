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
  let fault: string | undefined;
  let broken: boolean;
  let worker: WhenReachable;

  beforeEach(() => {
    timers = new FakeTimers();
    log = new MemoryLog();
    metrics = createMetrics("provider");
    steps = [];
    [fault, broken] = [undefined, false];
    const step = (name: string) => async () => {
      steps.push(name);
      if (name === "chain" && fault !== undefined) throw new BlockcloudError(fault, "No.");
      if (name === "rest" && broken) throw new Error("no rest");
    };
    worker = new WhenReachable(
      { waits: ["record"] },
      {
        chain: { start: step("chain"), stop: step("no chain") },
        rest: { start: step("rest"), stop: step("no rest") },
        ...{ timers, log, metrics },
      },
    );
  });
  afterEach(() => worker.stop());

  const isWell = () => metrics.health.report().ok;

  it("starts all at once where the chain can be reached", async () => {
    await worker.start();
    expect(steps).to.deep.equal(["chain", "rest"]);
    expect(log.lines).to.deep.equal([]);
    expect(isWell()).to.equal(true);
  });

  it("starts without the chain, says what waits, and does it when the chain is there", async () => {
    fault = "CHAIN_UNREACHABLE";
    await worker.start();
    expect(log.lines[0]?.fields.waits).to.deep.equal(["record"]);
    expect(isWell()).to.equal(false);
    await timers.advance(120_000);
    expect(steps.length, "each try later than the one before").to.be.within(5, 10);
    expect(new Set(steps)).to.deep.equal(new Set(["chain"]));
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
    expect(steps).to.deep.equal(["chain", "no chain"]);
    expect(timers.sleeping).to.equal(0);
  });
});
