import { expect } from "chai";
import { PathEstimate } from "../../src/sal/session/rtt.ts";

const KIB = 1024;

describe("the size of a path's frames", () => {
  it("is small until the path has delivered something, and again on another path", () => {
    const path = new PathEstimate();
    expect(path.segment).to.equal(8 * KIB);
    path.delivered(127 * KIB, 0, false);
    expect(path.segment).to.equal(8 * KIB);
    path.delivered(KIB, 1, false);
    expect(path.segment, "a path that was never busy").to.equal(64 * KIB);
    path.reset();
    expect(path.segment).to.equal(8 * KIB);
  });

  for (const [perMs, size] of [
    [1, 8],
    [5, 20],
    [100, 64],
  ] as const) {
    it(`is what ${perMs} KiB/ms carry in 4 ms, between 8 and 64 KiB: ${size} KiB`, () => {
      const path = new PathEstimate();
      path.delivered(128 * KIB, 0, true);
      for (let now = 4; now <= 40; now += 4) path.delivered(4 * perMs * KIB, now, true);
      expect(path.segment).to.equal(size * KIB);
    });
  }
});
