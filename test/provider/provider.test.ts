import { expect } from "chai";
import { EndpointFault } from "../../src/chain/rpc/faults.ts";
import { Provider } from "../../src/provider/provider.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../support/fakeTime.ts";
import { failureOf } from "../support/httpClient.ts";
import { MemoryLog } from "../support/memoryLog.ts";

/** What happens before it has started: a challenge waits for nothing. */
const begun = ["guard @0", "look @0", "publish @0", "announce @0"];
/** What happens once an epoch. */
const books = (second: number) =>
  ["look", "announce", "settle"].map((step) => `${step} @${second}`);

describe("Provider", () => {
  let timers: FakeTimers;
  let log: MemoryLog;
  let provider: Provider;
  /** What happened, at which second. */
  let steps: string[];
  let failing: Set<string>;
  /** How they fail; by default, by name. */
  let failure: Error | undefined;
  let told: string[];
  let alone: boolean;
  let peers: number;
  let heardAlone: boolean[];

  beforeEach(() => {
    timers = new FakeTimers();
    log = new MemoryLog();
    steps = [];
    failure = undefined;
    failing = new Set();
    told = [];
    [alone, peers, heardAlone] = [false, 0, []];
    const step = (name: string) => async () => {
      steps.push(`${name} @${timers.monotonic() / 1000}`);
      if (failing.has(name)) throw failure ?? new Error(`no ${name}`);
    };
    provider = new Provider({
      responder: { start: step("guard"), stop: step("unguard") },
      publisher: {
        start: step("publish"),
        stop: step("withdraw"),
        get alone() {
          return alone;
        },
        get peers() {
          return peers;
        },
      },
      announcer: {
        announce: async (isAlone) => {
          heardAlone.push(isAlone);
          await step("announce")();
        },
      },
      settler: { settle: step("settle") },
      statusWatch: { look: step("look") },
      time: new FakeTime(timers, DEPLOYMENT, 5),
      log,
      metrics: {
        bookkeeping: (task, error) => {
          told.push(`${task} ${error === undefined ? "done" : "failed"}`);
        },
      },
    });
  });
  afterEach(() => provider.stop());

  it("guards first and publishes then", async () => {
    await provider.start();
    expect(steps).to.deep.equal(begun);
    expect(log.said("info")).to.deep.equal(["provider started"]);
  });

  it("keeps its books once an epoch, after the auditors' transactions", async () => {
    await provider.start();
    await timers.advance(300_000);
    expect(steps.slice(begun.length)).to.deep.equal([60, 160, 260].flatMap(books));
  });

  it("tries again in the next epoch what failed", async () => {
    await provider.start();
    failing.add("settle");
    await timers.advance(100_000);
    const once = ["status done", "announce done"];
    expect(told, "the observer is notified").to.deep.equal([...once, ...once, "settle failed"]);
    failing.clear();
    await timers.advance(100_000);
    expect(told.slice(-3)).to.deep.equal([...once, "settle done"]);
    expect(steps.slice(begun.length)).to.deep.equal([60, 160].flatMap(books));
    expect(log.said("warn")).to.have.length(1);
  });

  it("collects its pay though it cannot announce", async () => {
    await provider.start();
    failing.add("announce");
    await timers.advance(100_000);
    expect(steps.slice(begun.length)).to.deep.equal(books(60));
    expect(log.lines.at(-1)?.fields.error).to.have.property("message", "no announce");
  });

  it("serves though it cannot read its status", async () => {
    failing.add("look");
    await provider.start();
    await timers.advance(100_000);
    expect(steps).to.deep.equal([...begun, ...books(60)]);
    expect(log.said("warn")).to.have.length(2);
  });

  it("begins though it cannot announce, where the network carries its record", async () => {
    failing.add("announce");
    peers = 2;
    await provider.start();
    expect(log.said("info")).to.deep.equal(["provider started"]);
    expect(told).to.deep.equal(["status done", "announce failed"]);
  });

  it("tells the announcer whether the network carries its records", async () => {
    await provider.start();
    alone = true;
    await timers.advance(70_000);
    expect(heardAlone).to.deep.equal([false, true]);
  });

  it("does not start where clients could not find it", async () => {
    failing.add("announce");
    expect((await failureOf(provider.start())).message).to.equal("no announce");
    await timers.advance(100_000);
    expect(steps).to.deep.equal(begun);
  });

  it("starts although clients cannot find it yet, because the RPC endpoint will be back", async () => {
    failing.add("announce");
    failure = new EndpointFault("network", "gone");
    await provider.start();
    expect(told).to.deep.equal(["status done", "announce failed"]);
  });

  it("publishes nothing once it was stopped in the middle of its start", async () => {
    const starting = provider.start();
    await provider.stop();
    await starting;
    expect(steps).to.deep.equal(["guard @0", "look @0", "withdraw @0", "unguard @0"]);
    expect(log.said("info")).to.deep.equal([]);
  });

  it("keeps no books once it has stopped", async () => {
    await provider.start();
    await timers.advance(70_000);
    await provider.stop();
    await timers.advance(500_000);
    expect(steps.slice(begun.length)).to.deep.equal([
      ...books(60),
      ...["withdraw @70", "unguard @70"],
    ]);
    expect(timers.sleeping).to.equal(0);
    expect(log.said("warn")).to.deep.equal([]);
  });
});
