import { expect } from "chai";
import fc from "fast-check";
import { epochAt, epochStart } from "../../src/protocol/epoch.ts";
import "../support/arbitraries.ts";

const timing = { genesis: 1_750_000_000, epochSeconds: 3600 };

describe("epoch", () => {
  it("begins with its first second and ends before the next one's", () => {
    expect(epochAt(timing, timing.genesis)).to.equal(0);
    expect(epochAt(timing, timing.genesis + 3599)).to.equal(0);
    expect(epochAt(timing, timing.genesis + 3600)).to.equal(1);
    expect(epochAt(timing, timing.genesis + 3599.999)).to.equal(0);
  });

  it("is negative before genesis, never 0", () => {
    expect(epochAt(timing, timing.genesis - 1)).to.equal(-1);
  });

  it("starts where it is first reached", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 2 ** 31 }),
        fc.integer({ min: 1, max: 86_400 }),
        fc.nat({ max: 1_000_000 }),
        (genesis, epochSeconds, epoch) => {
          const start = epochStart({ genesis, epochSeconds }, epoch);
          expect(epochAt({ genesis, epochSeconds }, start)).to.equal(epoch);
          expect(epochAt({ genesis, epochSeconds }, start - 1)).to.equal(epoch - 1);
        },
      ),
    );
  });
});
