import { expect } from "chai";
import { runInLanes, type Task } from "../../scripts/test/lanes.ts";

/** Tasks that end when the test says so, and what has begun of them. */
class Bench {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  task(name: string, lane: string, after: readonly Task[] = []): Task {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#ends.set(name, () => {
      resolve(undefined);
    });
    return {
      lane,
      after,
      run: () => {
        this.begun.push(name);
        return promise;
      },
    };
  }

  /** Ends tasks, and returns the tasks that have started once all pending work has run. */
  async end(...names: string[]): Promise<string[]> {
    for (const name of names) this.#ends.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
    return this.begun.splice(0);
  }
}

describe("the lanes of the suite", () => {
  it("runs each lane as many at once as its width, in order", async () => {
    const bench = new Bench();
    const slow = ["a", "b", "c"].map((name) => bench.task(name, "slow"));
    const wide = ["1", "2", "3"].map((name) => bench.task(name, "wide"));
    const all = runInLanes([...slow, ...wide], { slow: 1, wide: 2 });
    expect(await bench.end()).to.have.members(["a", "1", "2"]);
    expect(await bench.end("2")).to.deep.equal(["3"]);
    expect(await bench.end("a")).to.deep.equal(["b"]);
    expect(await bench.end("b")).to.deep.equal(["c"]);
    expect(await bench.end("c", "1", "3")).to.deep.equal([]);
    await all;
  });

  it("begins a task when those before it have ended, in whatever lane", async () => {
    const bench = new Bench();
    const first = bench.task("first", "one");
    const second = bench.task("second", "two", [first]);
    const all = runInLanes([first, second], {});
    expect(await bench.end()).to.deep.equal(["first"]);
    expect(await bench.end("first")).to.deep.equal(["second"]);
    await bench.end("second");
    await all;
  });

  it("waits for no task that is not part of the run", async () => {
    const bench = new Bench();
    const all = runInLanes([bench.task("alone", "one", [bench.task("absent", "two")])], {});
    expect(await bench.end("alone")).to.deep.equal(["alone"]);
    await all;
  });
});
