import { expect } from "chai";
import { Keeper } from "../../src/keeper/keeper.ts";
import type { Chore, KeeperDuty, Offer } from "../../src/keeper/duty.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../support/fakeTime.ts";
import { MemoryLog } from "../support/memoryLog.ts";

const EPOCH = 50;
const chore: Chore = {
  duty: "report",
  call: { address: DEPLOYMENT.contracts.proofOfService, abi: [], functionName: "report", args: [] },
  reward: 1n,
  about: {},
};

describe("Keeper", () => {
  let timers: FakeTimers;
  let time: FakeTime;
  let log: MemoryLog;
  let caughtUp: boolean;
  let failing: Set<string>;
  /** What was done, in order. */
  let did: string[];
  let heard: string[];
  let keeper: Keeper;

  const duty = (name: string): KeeperDuty => ({
    name,
    run: async ({ epoch }, offer) => {
      did.push(`${name} ${epoch}`);
      if (failing.has(name)) throw new Error("the endpoint is down");
      await offer([chore]);
    },
  });
  const tick = {
    run: async (epoch: number, offer: Offer, signal: AbortSignal) => {
      did.push(`tick ${epoch}`);
      if (failing.has("tick")) throw new Error("the endpoint is down");
      await timers.sleep(30_000, signal);
      await offer([{ ...chore, duty: "tick" }]);
    },
  };
  const count = (what: string) => did.filter((one) => one === what).length;

  beforeEach(() => {
    timers = new FakeTimers();
    time = new FakeTime(timers, DEPLOYMENT, EPOCH);
    log = new MemoryLog();
    caughtUp = true;
    failing = new Set();
    did = [];
    heard = [];
    keeper = new Keeper({
      follower: {
        follow: async () => {
          did.push("follow");
          if (failing.has("follow")) throw new Error("the endpoint is down");
          return caughtUp;
        },
      },
      tick,
      duties: ["report", "resolve"].map(duty),
      executor: {
        offer: async ([offered]) => {
          did.push(`offer ${offered?.duty ?? ""}`);
        },
      },
      observer: { failed: (name) => heard.push(name) },
      time,
      timers,
      log,
    });
  });
  afterEach(async () => {
    await keeper.stop();
    expect(timers.sleeping, "nothing waits any more").to.equal(0);
  });

  it("looks about twenty times an epoch, after reading events, and ticks once", async () => {
    await keeper.start();
    await timers.advance(99_000);
    expect(count("follow")).to.be.within(13, 40);
    expect(count(`report ${EPOCH}`)).to.equal(count("follow"));
    expect(count(`resolve ${EPOCH}`)).to.equal(count("follow"));
    expect(count("offer report")).to.equal(2 * count("follow"));
    expect(count(`tick ${EPOCH}`)).to.equal(1);
    expect(count("offer tick")).to.equal(1);
    expect(did.indexOf("follow")).to.be.lessThan(did.indexOf(`report ${EPOCH}`));
  });

  it("goes on with the next epoch", async () => {
    await keeper.start();
    await timers.advance(250_000);
    expect(did.filter((what) => what.startsWith("tick "))).to.deep.equal([
      `tick ${EPOCH}`,
      `tick ${EPOCH + 1}`,
      `tick ${EPOCH + 2}`,
    ]);
  });

  it("does nothing on half of the history but the seed", async () => {
    caughtUp = false;
    await keeper.start();
    await timers.advance(50_000);
    expect(count("follow"), "without a long pause").to.be.greaterThan(90);
    expect(count(`report ${EPOCH}`)).to.equal(0);
    expect(count("offer tick")).to.equal(1);
  });

  it("tries again what failed, and lets it keep nothing else from its turn", async () => {
    failing = new Set(["report", "tick"]);
    await keeper.start();
    await timers.advance(49_000);
    expect(count(`report ${EPOCH}`)).to.be.greaterThan(3);
    expect(count(`resolve ${EPOCH}`)).to.equal(count(`report ${EPOCH}`));
    expect(count(`tick ${EPOCH}`)).to.be.greaterThan(3);
    expect(new Set(heard)).to.deep.equal(new Set(["report", "tick"]));
    expect(new Set(log.said("warn"))).to.deep.equal(new Set(["duty failed, trying again"]));
    failing.clear();
    await timers.advance(50_000);
    expect(count("offer tick")).to.equal(1);
  });

  it("reads on where reading events failed, before it does anything", async () => {
    failing = new Set(["follow"]);
    await keeper.start();
    await timers.advance(20_000);
    expect(count(`report ${EPOCH}`)).to.equal(0);
    failing.clear();
    await timers.advance(20_000);
    expect(count(`report ${EPOCH}`)).to.be.greaterThan(0);
  });

  it("stops in the middle of everything without a complaint", async () => {
    await keeper.start();
    await timers.advance(1);
    await keeper.stop();
    const before = did.length;
    await timers.advance(500_000);
    expect(did).to.have.length(before);
    expect(log.said("warn")).to.deep.equal([]);
  });
});
