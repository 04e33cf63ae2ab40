import { expect } from "chai";
import { keccak256, numberToHex, stringToHex } from "viem";
import { ChainClock, currentEpoch, untilPhase } from "../../src/chain/clock.ts";
import { expectCode } from "../support/expectCode.ts";
import { DEPLOYMENT, FakeChain } from "../support/fakeChain.ts";
import { FakeTimers } from "../support/fakeTime.ts";
import { failureOf } from "../support/httpClient.ts";
import { MemoryLog } from "../support/memoryLog.ts";

const { genesis } = DEPLOYMENT;

/** A block's hash covers all of it. */
const hashOf = (block: object) => keccak256(stringToHex(JSON.stringify(block)));

describe("ChainClock", () => {
  let chain: FakeChain;
  let timers: FakeTimers;
  let log: MemoryLog;
  let clock: ChainClock;
  let head: { number: number; timestamp: number } | Error;

  beforeEach(() => {
    chain = new FakeChain();
    timers = new FakeTimers();
    log = new MemoryLog();
    head = { number: 10, timestamp: genesis };
    chain.block = () => {
      if (head instanceof Error) throw head;
      const { number, timestamp } = head;
      const hash = hashOf(head);
      return { number: numberToHex(number), timestamp: numberToHex(timestamp), hash };
    };
    clock = create();
  });
  afterEach(() => clock.stop());

  const create = (pollMs?: number) =>
    new ChainClock({ timing: DEPLOYMENT, pollMs }, { client: chain.client, timers, log });

  it("has no time before it is started", () => {
    for (const read of [() => clock.now(), () => clock.head(), () => currentEpoch(clock)]) {
      expectCode("CLOCK_STOPPED", read);
    }
  });

  it("does not start without the chain", async () => {
    head = new Error("no endpoint there");
    expect((await failureOf(clock.start())).message).to.contain("no endpoint there");
  });

  it("carries the newest block's time on by the monotonic timer", async () => {
    timers.pass(5_000);
    await clock.start();
    expect(clock.now()).to.equal(genesis);
    await timers.advance(1_500);
    expect(clock.now()).to.equal(genesis + 1.5);
    expect(clock.head()).to.deep.include({ number: 10n, timestamp: genesis });
  });

  it("follows a new block at the next poll", async () => {
    await clock.start();
    await timers.advance(100);
    head = { number: 11, timestamp: genesis + 12 };
    await timers.advance(149);
    expect(clock.head().number).to.equal(10n);
    await timers.advance(1);
    expect(clock.head()).to.deep.include({ number: 11n, timestamp: genesis + 12 });
    expect(clock.now()).to.equal(genesis + 12);
    await timers.advance(750);
    expect(clock.now(), "the same block again changes nothing").to.equal(genesis + 12.75);
  });

  it("never goes back, neither for a late block nor for a reorganisation", async () => {
    await clock.start();
    await timers.advance(10_000);
    expect(clock.now()).to.equal(genesis + 10);
    head = { number: 11, timestamp: genesis + 5 };
    await timers.advance(250);
    expect(clock.head()).to.deep.include({ number: 11n, timestamp: genesis + 5 });
    expect(clock.now()).to.equal(genesis + 10);
    head = { number: 9, timestamp: genesis - 12 };
    await timers.advance(250);
    expect(clock.head().number, "the head is the chain's").to.equal(9n);
    expect(clock.now()).to.equal(genesis + 10);
    head = { number: 12, timestamp: genesis + 24 };
    await timers.advance(250);
    expect(clock.now()).to.equal(genesis + 24);
  });

  it("follows a reorganisation that puts another block in the place of the newest", async () => {
    await clock.start();
    const { hash } = clock.head();
    head = { number: 10, timestamp: genesis + 3 };
    await timers.advance(250);
    expect(clock.head()).to.deep.include({ number: 10n, timestamp: genesis + 3 });
    expect(clock.head().hash).not.to.equal(hash);
  });

  it("logs an endpoint that fails, goes on by itself, and follows again", async () => {
    await clock.start();
    head = new Error("gone");
    await timers.advance(1_000);
    expect(log.said("warn"), "once").to.deep.equal(["cannot read the newest block"]);
    expect(clock.now()).to.equal(genesis + 1);
    head = { number: 13, timestamp: genesis + 36 };
    await timers.advance(250);
    expect(clock.now()).to.equal(genesis + 36);
    head = new Error("gone again");
    await timers.advance(250);
    expect(log.said("warn")).to.have.length(2);
  });

  it("stops polling, and waits for nothing, when it is stopped", async () => {
    await clock.start();
    await clock.stop();
    const before = chain.requests.length;
    await timers.advance(10_000);
    expect(chain.requests).to.have.length(before);
    expect(timers.sleeping).to.equal(0);
    expect(log.lines).to.deep.equal([]);
  });

  describe("until", () => {
    const { signal } = new AbortController();

    it("waits for a moment by the timer where no block comes", async () => {
      await clock.start();
      await timers.play(clock.until(genesis + 30, signal));
      expect(clock.now()).to.be.within(genesis + 30, genesis + 30.001);
    });

    it("comes early when a block jumps there", async () => {
      await clock.start();
      let reached = false;
      const waiting = clock.until(genesis + 3_600, signal).then(() => (reached = true));
      await timers.advance(1_000);
      expect(reached).to.equal(false);
      head = { number: 11, timestamp: genesis + 3_600 };
      await timers.advance(500);
      expect(reached).to.equal(true);
      await waiting;
    });

    it("does not wait for what has passed", async () => {
      await clock.start();
      await clock.until(genesis - 1, signal);
      await clock.until(genesis, signal);
      expect(timers.monotonic()).to.equal(0);
    });

    it("ends with the signal's reason", async () => {
      await clock.start();
      const abort = new AbortController();
      const failed = failureOf(clock.until(genesis + 30, abort.signal));
      const reason = new Error("stopping");
      abort.abort(reason);
      expect(await failed).to.equal(reason);
    });
  });

  describe("epochs", () => {
    const { signal } = new AbortController();

    it("begin and end with blocks, whatever the timer says", async () => {
      await clock.start();
      let phase = "before";
      const waiting = (async () => {
        await untilPhase(clock, 2, 0.25, signal);
        phase = "at a quarter";
        await untilPhase(clock, 2, 1, signal);
        phase = "over";
      })();
      await timers.advance(120_000);
      expect([phase, currentEpoch(clock)]).to.deep.equal(["before", 0]);
      head = { number: 11, timestamp: genesis + 225 };
      await timers.advance(1_000);
      expect([phase, currentEpoch(clock)]).to.deep.equal(["at a quarter", 2]);
      head = { number: 12, timestamp: genesis + 299 };
      await timers.advance(120_000);
      expect([phase, currentEpoch(clock)]).to.deep.equal(["at a quarter", 2]);
      head = { number: 13, timestamp: genesis + 300 };
      await timers.advance(1_000);
      expect([phase, currentEpoch(clock)]).to.deep.equal(["over", 3]);
      await waiting;
    });

    it("say once that no block comes, and that blocks come again", async () => {
      await clock.start();
      await timers.advance(90_000);
      const halt = ["no new block: the chain or its endpoints have halted"];
      expect(log.said("warn")).to.deep.equal(halt);
      head = { number: 11, timestamp: genesis + 2 };
      await timers.advance(1_000);
      expect(log.said("info")).to.deep.equal(["new blocks arrive again"]);
      await timers.advance(30_000);
      expect(log.said("warn")).to.deep.equal(halt);
    });
  });

  describe("polls", () => {
    const BLOCK_SECONDS = 12;
    /** Lets blocks come on time, and gives how often the head was asked for. */
    const follow = async (seconds: number) => {
      const asked = chain.requests.length;
      for (let second = 1; second <= seconds; second++) {
        await timers.advance(1_000);
        const number = 10 + Math.floor(timers.monotonic() / 1000 / BLOCK_SECONDS);
        head = { number, timestamp: genesis + (number - 10) * BLOCK_SECONDS };
      }
      return chain.requests.length - asked;
    };

    it("learn how fast blocks come, and then ask about twice for each", async () => {
      await clock.start();
      expect(await follow(60), "four times a second").to.be.greaterThan(150);
      expect(await follow(1_200), "a hundred blocks").to.be.lessThan(250);
      expect(Number(clock.head().number)).to.be.within(114, 115);
    });

    it("follow as often as they are told to", async () => {
      clock = create(60_000);
      await clock.start();
      expect(await follow(600)).to.equal(10);
    });

    it("come at once where somebody has heard of a block", async () => {
      clock = create(60_000);
      await clock.start();
      head = { number: 11, timestamp: genesis + 12 };
      await timers.advance(1_000);
      expect(clock.head().number).to.equal(10n);
      clock.poke();
      await timers.advance(0);
      await timers.advance(0);
      expect(clock.head().number).to.equal(11n);
    });
  });
});
