import { expect } from "chai";
import { mock } from "node:test";
import { systemTimers } from "../../src/node/timers.ts";
import { failureOf } from "../support/httpClient.ts";

describe("systemTimers", () => {
  it("never goes back", () => {
    let last = systemTimers.monotonic();
    for (let i = 0; i < 1_000; i++) {
      const now = systemTimers.monotonic();
      expect(now).to.be.at.least(last);
      last = now;
    }
  });

  it("has nothing to do with wall time", () => {
    mock.timers.enable({ apis: ["Date"], now: 0 });
    try {
      const before = systemTimers.monotonic();
      mock.timers.setTime(3_600_000);
      expect(systemTimers.monotonic() - before).to.be.below(3_600_000);
    } finally {
      mock.timers.reset();
    }
  });

  it("sleeps no time for a moment that has passed", async () => {
    await systemTimers.sleep(-1_000, new AbortController().signal);
  });

  it("does not take more than the 25 days of one timer for no time", async () => {
    const abort = new AbortController();
    const slept: string[] = [];
    const long = [2 ** 31, 30 * 86_400_000, Infinity].map((time) =>
      systemTimers.sleep(time, abort.signal).then(
        () => slept.push(String(time)),
        () => {},
      ),
    );
    // A delay that overflows ends after a millisecond, thus before this one.
    await systemTimers.sleep(20, abort.signal);
    expect(slept).to.deep.equal([]);
    abort.abort();
    await Promise.all(long);
  });

  it("wakes at once, with the signal's own reason, when it is aborted", async () => {
    const abort = new AbortController();
    const reason = new Error("the epoch is over");
    const sleep = failureOf(systemTimers.sleep(3_600_000, abort.signal));
    abort.abort(reason);
    expect(await sleep).to.equal(reason);
  });

  it("does not begin when the signal was aborted before", async () => {
    const reason = new Error("too late");
    expect(await failureOf(systemTimers.sleep(3_600_000, AbortSignal.abort(reason)))).to.equal(
      reason,
    );
  });
});
