import { expect } from "chai";
import { mock } from "node:test";
import { Watchdog } from "../../../src/provider/gateway/watchdog.ts";

describe("Watchdog", () => {
  let fired = 0;
  let watchdog: Watchdog;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    fired = 0;
    watchdog = new Watchdog(100, () => fired++);
  });
  afterEach(() => {
    mock.timers.reset();
  });

  it("fires after a silence, not before it is armed", () => {
    mock.timers.tick(1_000);
    expect(fired).to.equal(0);
    watchdog.arm();
    mock.timers.tick(99);
    expect(fired).to.equal(0);
    mock.timers.tick(1);
    expect(fired).to.equal(1);
  });

  it("waits anew each time it is armed", () => {
    for (let i = 0; i < 5; i++) {
      watchdog.arm();
      mock.timers.tick(99);
    }
    expect(fired).to.equal(0);
    mock.timers.tick(1);
    expect(fired).to.equal(1);
  });

  it("does not fire while disarmed", () => {
    watchdog.arm();
    watchdog.disarm();
    mock.timers.tick(1_000);
    expect(fired).to.equal(0);
    watchdog.arm();
    mock.timers.tick(100);
    expect(fired).to.equal(1);
  });

  it("can be armed again from its own call", () => {
    const again: Watchdog = new Watchdog(100, () => {
      fired++;
      if (fired < 3) again.arm();
    });
    again.arm();
    for (let i = 0; i < 10; i++) mock.timers.tick(100);
    expect(fired).to.equal(3);
  });
});
