import { expect } from "chai";
import { mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  inOrder,
  late,
  listenForSignals,
  runUntilSignal,
  type Startable,
} from "../../src/node/lifecycle.ts";
import { failureOf } from "../support/httpClient.ts";
import { MemoryLog } from "../support/memoryLog.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const alone = { withParent: false };

describe("runUntilSignal", () => {
  const others = new Map<NodeJS.Signals, NodeJS.SignalsListener[]>();
  let steps: string[];
  let log: MemoryLog;

  beforeEach(() => {
    for (const name of signals) {
      others.set(name, process.listeners(name));
      process.removeAllListeners(name);
    }
    steps = [];
    log = new MemoryLog();
  });
  afterEach(() => {
    mock.reset();
    mock.timers.reset();
    for (const [name, listeners] of others) {
      process.removeAllListeners(name);
      for (const listener of listeners) process.on(name, listener);
    }
  });

  function worker(parts: Partial<Startable> = {}): Startable {
    return {
      start: async () => {
        steps.push("start");
        await parts.start?.();
      },
      stop: async () => {
        steps.push("stop");
        await parts.stop?.();
      },
    };
  }

  for (const name of signals) {
    // systemd starts a worker again that ends with 129.
    const expected = name === "SIGHUP" ? 129 : 0;
    it(`runs until ${name}, then stops and leaves with ${expected}`, async () => {
      const code = runUntilSignal(worker(), log, alone);
      await turn();
      expect(steps).to.deep.equal(["start"]);
      process.emit(name, name);
      expect(await code).to.equal(expected);
      expect(steps).to.deep.equal(["start", "stop"]);
      expect(log.said("info")).to.deep.equal(["stopping", "stopped"]);
      expect(log.lines[0]?.fields).to.deep.equal({ reason: name });
    });
  }

  it("leaves with 1 when the worker does not stop in time", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const code = runUntilSignal(worker({ stop: () => new Promise(() => {}) }), log, alone);
    await turn();
    process.emit("SIGTERM", "SIGTERM");
    await turn();
    mock.timers.tick(10_000);
    expect(await code).to.equal(1);
    expect(log.said("error")).to.deep.equal(["did not stop in time"]);
  });

  it("takes the copies of one Ctrl-C as one, and ends the process on a later signal of either kind", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const exit = mock.method(process, "exit", () => undefined as never);
    let now = 5_000;
    mock.method(performance, "now", () => now);
    const code = runUntilSignal(worker({ stop: () => new Promise(() => {}) }), log, alone);
    await turn();
    process.emit("SIGINT", "SIGINT");
    now += 1_000;
    process.emit("SIGTERM", "SIGTERM");
    expect(exit.mock.callCount()).to.equal(0);
    now += 1;
    process.emit("SIGTERM", "SIGTERM");
    expect(exit.mock.calls[0]?.arguments).to.deep.equal([130]);
    await turn();
    mock.timers.tick(10_000);
    await code;
  });

  it("stops what half started, and fails with the start's own error", async () => {
    const broken = new Error("no such chain");
    const failing = worker({ start: () => Promise.reject(broken) });
    expect(await failureOf(runUntilSignal(failing, log, alone))).to.equal(broken);
    expect(steps).to.deep.equal(["start", "stop"]);
  });

  it("tells the start's error even if the half-started worker cannot stop either", async () => {
    const broken = new Error("no such chain");
    const failing = worker({
      start: () => Promise.reject(broken),
      stop: () => Promise.reject(new Error("never started")),
    });
    expect(await failureOf(runUntilSignal(failing, log, alone))).to.equal(broken);
  });

  it("fails with the error of a stop that fails", async () => {
    const broken = new Error("disk full");
    const code = runUntilSignal(worker({ stop: () => Promise.reject(broken) }), log, alone);
    await turn();
    process.emit("SIGTERM", "SIGTERM");
    expect(await failureOf(code)).to.equal(broken);
  });

  describe("with settings that can be read again", () => {
    const reloading = (reload: () => Promise<void>) => ({ ...alone, reload });

    it("reads them again for each SIGHUP, and runs on", async () => {
      const code = runUntilSignal(
        worker(),
        log,
        reloading(async () => {
          steps.push("reload");
        }),
      );
      await turn();
      process.emit("SIGHUP", "SIGHUP");
      await turn();
      process.emit("SIGHUP", "SIGHUP");
      await turn();
      process.emit("SIGTERM", "SIGTERM");
      expect(await code).to.equal(0);
      expect(steps).to.deep.equal(["start", "reload", "reload", "stop"]);
      expect(process.listenerCount("SIGHUP")).to.equal(0);
    });

    it("waits for the start, and takes the signals until then as one", async () => {
      const starting = Promise.withResolvers<undefined>();
      const half = worker({ start: () => starting.promise.then(() => {}) });
      const reload = async () => {
        steps.push("reload");
      };
      const code = runUntilSignal(half, log, reloading(reload));
      process.emit("SIGHUP", "SIGHUP");
      process.emit("SIGHUP", "SIGHUP");
      await turn();
      expect(steps).to.deep.equal(["start"]);
      starting.resolve(undefined);
      await turn();
      expect(steps).to.deep.equal(["start", "reload"]);
      process.emit("SIGTERM", "SIGTERM");
      await code;
    });

    it("reads them once more for signals that come meanwhile, and survives an error", async () => {
      const reads: (() => void)[] = [];
      const reload = () =>
        new Promise<void>((_, reject) => {
          reads.push(() => {
            reject(new Error("no such file"));
          });
        });
      const code = runUntilSignal(worker(), log, reloading(reload));
      await turn();
      process.emit("SIGHUP", "SIGHUP");
      await turn();
      for (let again = 0; again < 3; again++) process.emit("SIGHUP", "SIGHUP");
      reads[0]?.();
      await turn();
      reads[1]?.();
      await turn();
      expect(reads).to.have.length(2);
      expect(log.said("error")).to.have.length(2);
      process.emit("SIGTERM", "SIGTERM");
      expect(await code).to.equal(0);
    });

    it("takes over from an earlier listener without a gap", async () => {
      const earlier = () => {};
      process.on("SIGHUP", earlier);
      let count = 0;
      const listening = () => {
        process.off("SIGHUP", earlier);
        count = process.listenerCount("SIGHUP");
      };
      const options = { ...reloading(() => Promise.resolve()), listening };
      const code = runUntilSignal(worker(), log, options);
      expect(count).to.equal(1);
      await turn();
      process.emit("SIGTERM", "SIGTERM");
      await code;
    });
  });

  it("is stopped by a signal that its command heard before, and only by that command's", async () => {
    const command = listenForSignals();
    process.emit("SIGINT", "SIGINT");
    expect(await runUntilSignal(worker(), log, alone)).to.equal(0);
    expect(steps).to.deep.equal(["start", "stop"]);
    command.unlisten();
    const next = runUntilSignal(worker(), log, alone);
    await turn();
    expect(steps).to.deep.equal(["start", "stop", "start"]);
    process.emit("SIGTERM", "SIGTERM");
    expect(await next).to.equal(0);
  });

  it("leaves no listener behind", async () => {
    const code = runUntilSignal(worker(), log, alone);
    await turn();
    process.emit("SIGTERM", "SIGTERM");
    await code;
    expect(signals.map((name) => process.listenerCount(name))).to.deep.equal([0, 0, 0]);
  });
});

describe("inOrder", () => {
  let steps: string[];
  beforeEach(() => {
    steps = [];
  });

  function part(name: string, failing?: "start" | "stop"): Startable {
    const step = async (what: "start" | "stop") => {
      steps.push(`${what} ${name}`);
      if (failing === what) throw new Error(`${name} cannot ${what}`);
    };
    return { start: () => step("start"), stop: () => step("stop") };
  }

  it("stops in the opposite order", async () => {
    const both = inOrder(part("a"), part("b"));
    await both.start();
    await both.stop();
    expect(steps).to.deep.equal(["start a", "start b", "stop b", "stop a"]);
  });

  it("stops the part that failed to start and those before it, and no other", async () => {
    const three = inOrder(part("a"), part("b", "start"), part("c"));
    expect((await failureOf(three.start())).message).to.equal("b cannot start");
    await three.stop();
    expect(steps).to.deep.equal(["start a", "start b", "stop b", "stop a"]);
  });

  it("stops the others when one cannot stop, and says so", async () => {
    const both = inOrder(part("a"), part("b", "stop"));
    await both.start();
    expect((await failureOf(both.stop())).message).to.equal("b cannot stop");
    expect(steps.at(-1)).to.equal("stop a");
  });

  it("starts nothing more after a stop in the middle of its start", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const slow: Startable = { start: () => promise, stop: part("slow").stop };
    const three = inOrder(part("a"), slow, part("c"));
    const starting = three.start();
    await turn();
    await three.stop();
    resolve(undefined);
    await starting;
    expect(steps).to.deep.equal(["start a", "stop slow", "stop a"]);
    await three.stop();
    expect(steps).to.have.lengthOf(3);
  });

  it("makes a late part when it starts it, and not before", async () => {
    let made = 0;
    const both = inOrder(
      part("a"),
      late(() => {
        made += 1;
        return part(`b, when ${steps.join()} is over`);
      }),
    );
    expect(made).to.equal(0);
    await both.start();
    await both.stop();
    expect(steps.slice(0, 2)).to.deep.equal(["start a", "start b, when start a is over"]);
    expect(steps).to.have.lengthOf(4);
    expect(made).to.equal(1);
  });
});
