import { expect } from "chai";
import fc from "fast-check";
import {
  addReport,
  grades,
  isWellFormed,
  lanesOf,
  QUORUM,
  readReportWord,
  reportWord,
  verdictOf,
  type Grade,
} from "../../src/protocol/tally.ts";
import "../support/arbitraries.ts";

const LANES = 15;
const votes = fc.array(fc.constantFrom<Grade | null>(null, 0, 1, 2, 3), {
  minLength: LANES,
  maxLength: LANES,
});

/** The median by its textbook definition: the middle of all votes laid out in order. */
function sortedMedian(counts: readonly number[]): number | null {
  const all = counts.flatMap((count, grade) => Array<number>(count).fill(grade));
  if (all.length < 3) return null;
  // "2c > total" is strict: of an even number, the upper of the two in the middle.
  return all[Math.floor(all.length / 2)] ?? null;
}

describe("report word", () => {
  it("puts the offset on top and lane 0 lowest", () => {
    expect(reportWord(0xabcd, [3, null, 0])).to.equal((0xabcdn << 240n) | (1n << 32n) | 0x1000n);
    expect(reportWord(0, [])).to.equal(0n);
    expect(grades).to.deep.equal(["FAILED", "POOR", "GOOD", "EXCELLENT"]);
  });

  it("reads back what it wrote, and is well-formed", () => {
    fc.assert(
      fc.property(fc.nat({ max: 65_535 }), votes, (offset, value) => {
        const word = reportWord(offset, value);
        expect(readReportWord(word)).to.deep.equal({ offset, votes: value });
        expect(isWellFormed(word)).to.equal(true);
      }),
    );
  });

  it("is malformed with a nibble above 1, or with two votes in a lane", () => {
    for (let lane = 0; lane < LANES; lane++) {
      for (let pattern = 0; pattern < 1 << 16; pattern += 7) {
        const digits = [0, 4, 8, 12].map((shift) => (pattern >> shift) & 0xf);
        const expected = digits.reduce((sum, digit) => sum + digit, 0) <= 1;
        const word = (0xffffn << 240n) | (BigInt(pattern) << BigInt(lane * 16));
        if (isWellFormed(word) !== expected) {
          expect.fail(`lane ${lane}, pattern ${pattern.toString(16)}: expected ${expected}`);
        }
      }
    }
  });
});

describe("addReport", () => {
  it("counts what fits and never more than 15", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(votes, fc.integer({ min: 1, max: 15 })), { maxLength: 12 }),
        fc.bigInt({ min: 0n, max: 4095n }),
        (reports, tag) => {
          let tally = 0n;
          let free = 15;
          const counts = Array.from({ length: LANES }, () => [0, 0, 0, 0]);
          for (const [value, weight] of reports) {
            tally = addReport(tally, tag, reportWord(0, value), BigInt(weight));
            const fits = Math.min(weight, free);
            free -= fits;
            value.forEach((vote, lane) => {
              const lanes = counts[lane];
              if (vote !== null && lanes) lanes[vote] = (lanes[vote] ?? 0) + fits;
            });
            expect(tally >> 244n).to.equal(tag);
          }
          expect(lanesOf(tally)).to.deep.equal(counts);
          expect(Number((tally >> 240n) & 0xfn)).to.equal(15 - free);
        },
      ),
    );
  });

  it("begins anew where the tag is another", () => {
    const old = addReport(0n, 1n, reportWord(0, [3, 3]), 15n);
    expect(addReport(old, 2n, reportWord(0, [0]), 1n)).to.equal((2n << 244n) | (1n << 240n) | 1n);
  });

  it("changes nothing once 15 are counted", () => {
    const full = addReport(0n, 1n, reportWord(0, [3]), 15n);
    expect(addReport(full, 1n, reportWord(0, [0, 0]), 15n)).to.equal(full);
  });
});

describe("verdictOf", () => {
  it("is the lowest grade with twice its cumulative count above the total, for every tuple", () => {
    let tuples = 0;
    for (let a = 0; a <= 15; a++) {
      for (let b = 0; a + b <= 15; b++) {
        for (let c = 0; a + b + c <= 15; c++) {
          for (let d = 0; a + b + c + d <= 15; d++) {
            tuples++;
            const counts = [a, b, c, d];
            if (verdictOf(counts) !== sortedMedian(counts)) {
              expect(verdictOf(counts), counts.join()).to.equal(sortedMedian(counts));
            }
          }
        }
      }
    }
    expect(tuples).to.equal(3876);
  });

  it("needs a quorum in the lane itself", () => {
    expect(QUORUM).to.equal(3);
    expect(verdictOf([0, 0, 2, 0])).to.equal(null);
    expect(verdictOf([0, 0, 3, 0])).to.equal(2);
    expect(verdictOf([1, 0, 0, 2])).to.equal(3);
  });

  it("gives an even split to the better half: FAILED needs a majority", () => {
    expect(verdictOf([2, 0, 0, 2])).to.equal(3);
    expect(verdictOf([3, 0, 0, 2])).to.equal(0);
  });
});
