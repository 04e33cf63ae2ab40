import { expect } from "chai";
import { GapMeter } from "../../bench/sal/gap.ts";
import { PatternCheck, patternAt } from "../../bench/sal/pattern.ts";

describe("the benchmark of the SAL", () => {
  describe("compares what arrives with what was sent", () => {
    const sent = (from: number, to: number) => patternAt(from, to - from);

    it("in whatever chunks it comes, over the end of the pattern's period too", () => {
      const check = new PatternCheck();
      for (let at = 0; at < 3_000_000; at += 77_777) check.take(sent(at, at + 77_777));
      expect(check.received).to.be.greaterThan(3_000_000);
      expect(check.wrong).to.equal(0);
    });

    for (const [what, from] of [
      ["lost", 131_072],
      ["repeated", 0],
    ] as const) {
      it(`finds 64 KiB that are ${what}`, () => {
        const check = new PatternCheck();
        check.take(sent(0, 65_536));
        check.take(sent(from, from + 65_536));
        expect(check.wrong).to.equal(65_536);
      });
    }

    it("finds one wrong byte", () => {
      const check = new PatternCheck();
      const chunk = Buffer.from(sent(0, 65_536));
      chunk[40_000] = (chunk[40_000] ?? 0) ^ 1;
      check.take(chunk);
      expect(check.wrong).to.be.greaterThan(0);
    });
  });

  it("measures a gap until the first byte after an event, and not before it", async () => {
    const times = [0, 10, 15, 45, 50];
    const meter = new GapMeter(() => times.shift() ?? NaN);
    meter.heard();
    const gap = meter.during();
    meter.heard();
    meter.heard();
    meter.over();
    meter.heard();
    expect(await gap).to.equal(30);
    const next = meter.around();
    meter.heard();
    expect(await next).to.equal(5);
  });
});
