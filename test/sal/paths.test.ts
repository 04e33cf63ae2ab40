import { expect } from "chai";
import { salError } from "../../src/sal/errors.ts";
import { PATH_TIMES, PathWatch, type WatchedPath } from "../../src/sal/client/pathWatch.ts";
import { race } from "../../src/sal/client/race.ts";
import { rejection } from "../support/rejection.ts";
import { FakeClock } from "./rig/fakeClock.ts";

class FakePath implements WatchedPath {
  heardAt = 0;
  activeAt = 0;
  srtt = 10;
  hasUnacknowledged = false;
  pings: number[] = [];
  onPing = () => {};
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  ping(): void {
    this.pings.push(this.#clock.monotonic());
    this.onPing();
  }
}

describe("the watch over a path", () => {
  let clock: FakeClock;
  let path: FakePath;
  let watch: PathWatch;
  let alarms: number[];

  beforeEach(() => {
    clock = new FakeClock();
    path = new FakePath(clock);
    alarms = [];
    watch = new PathWatch(path, clock, () => alarms.push(clock.monotonic()));
    watch.start();
  });

  function hear(): boolean {
    path.heardAt = clock.monotonic();
    return watch.heard();
  }

  it("asks after 50 ms of silence, and calls for a second link 150 ms later", async () => {
    await clock.advance(1_000);
    expect([path.pings, alarms]).to.deep.equal([[50], [200]]);
  });

  it("waits for four round trips on a long path", async () => {
    path.srtt = 300;
    await clock.advance(2_000);
    expect(alarms).to.deep.equal([1_250]);
  });

  it("is quiet as long as any byte comes", async () => {
    for (let count = 0; count < 100; count++) {
      await clock.advance(199);
      path.activeAt = clock.monotonic();
      expect(hear()).to.equal(false);
    }
    expect(alarms).to.deep.equal([]);
  });

  it("doubles its patience with each false alarm, up to ten seconds", async () => {
    const waits: number[] = [];
    for (let count = 0; count < 9; count++) {
      const began = clock.monotonic();
      path.hasUnacknowledged = true;
      await clock.until(() => alarms.length === count + 1);
      waits.push((alarms[count] ?? 0) - began - 50);
      expect(hear()).to.equal(true);
    }
    expect(waits).to.deep.equal([150, 300, 600, 1_200, 2_400, 4_800, 9_600, 10_000, 10_000]);
  });

  /** A peer that answers, until it does not. */
  function answer(): void {
    path.onPing = () => clock.after(10, () => hear());
  }

  it("asks an idle path every 20 s, and notices its death then", async () => {
    answer();
    await clock.advance(10_000);
    const pings = path.pings.length;
    await clock.advance(100_000);
    expect(path.pings.length - pings).to.be.within(4, 6);
    path.onPing = () => {};
    expect(alarms).to.deep.equal([]);
    await clock.advance(PATH_TIMES.idleMs + 1_000);
    expect(alarms.length).to.equal(1);
  });

  it("notices soon that what an idle session sends is not answered", async () => {
    answer();
    await clock.advance(30_000);
    path.onPing = () => {};
    path.hasUnacknowledged = true;
    const sentAt = clock.monotonic();
    watch.sending();
    await clock.until(() => alarms.length === 1);
    expect((alarms[0] ?? 0) - sentAt).to.be.at.most(250);
  });

  it("sets no timer after it was stopped", async () => {
    await clock.advance(300);
    watch.stop();
    expect(hear()).to.equal(false);
    watch.sending();
    expect(clock.waiting).to.equal(0);
  });
});

describe("a race of endpoints", () => {
  let clock: FakeClock;
  let started: [string, number][];
  let discarded: string[];
  let signals: Map<string, AbortSignal>;
  let endings: Map<string, PromiseWithResolvers<string>>;
  const stop = new AbortController();

  beforeEach(() => {
    clock = new FakeClock();
    started = [];
    discarded = [];
    signals = new Map();
    endings = new Map();
  });

  function run(endpoints: string[], signal: AbortSignal = stop.signal): Promise<string> {
    const attempt = (endpoint: string, each: AbortSignal) => {
      started.push([endpoint, clock.monotonic()]);
      signals.set(endpoint, each);
      const ending = Promise.withResolvers<string>();
      endings.set(endpoint, ending);
      return ending.promise;
    };
    return race(endpoints, attempt, (value) => discarded.push(value), clock, signal);
  }

  it("starts one each 250 ms, and the next at once when one has failed", async () => {
    const won = run(["a", "b", "c", "d"]);
    await clock.advance(300);
    endings.get("b")?.reject(salError("noPath", "b"));
    await clock.advance(0);
    expect(started).to.deep.equal([
      ["a", 0],
      ["b", 250],
      ["c", 300],
    ]);
    endings.get("a")?.resolve("A");
    expect(await clock.play(won)).to.equal("A");
    await clock.advance(1_000);
    expect(started.length).to.equal(3);
    expect(clock.waiting).to.equal(0);
  });

  it("ends the others, and gives up a success that comes too late", async () => {
    const won = run(["a", "b"]);
    await clock.advance(300);
    endings.get("b")?.resolve("B");
    expect(await clock.play(won)).to.equal("B");
    expect(signals.get("a")?.aborted).to.equal(true);
    endings.get("a")?.resolve("A");
    await clock.advance(0);
    expect(discarded).to.deep.equal(["A"]);
  });

  it("of two successes at once keeps one and gives up the other", async () => {
    const won = run(["a", "b"]);
    await clock.advance(300);
    endings.get("a")?.resolve("A");
    endings.get("b")?.resolve("B");
    expect(await clock.play(won)).to.equal("A");
    await clock.advance(0);
    expect(discarded).to.deep.equal(["B"]);
  });

  it("says why none of them can be used, and prefers an endpoint that answered", async () => {
    const lost = run(["a", "b"]);
    endings.get("a")?.reject(salError("noPath", "a"));
    await clock.advance(0);
    endings.get("b")?.reject(salError("proof", "b"));
    await rejection("SAL_PROOF", clock.play(lost));
    await rejection("SAL_NO_PATH", run([]));
  });

  it("ends with its signal, and gives up what succeeds after that", async () => {
    const cancel = new AbortController();
    const won = run(["a"], cancel.signal);
    const reason = salError("closed", "Enough.");
    cancel.abort(reason);
    await rejection("SAL_CLOSED", won);
    endings.get("a")?.resolve("A");
    await clock.advance(0);
    expect(discarded).to.deep.equal(["A"]);
    expect(clock.waiting).to.equal(0);
  });
});
