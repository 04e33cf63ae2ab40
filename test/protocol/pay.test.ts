import { expect } from "chai";
import fc from "fast-check";
import { chunkPay, payQuarters, providerPay, reportPay } from "../../src/protocol/pay.ts";
import { drawnWeight, expectedWeight } from "../../src/protocol/sortition.ts";
import { addReport, reportWord, type Grade } from "../../src/protocol/tally.ts";
import { hash } from "../support/arbitraries.ts";

const votes = fc.array(fc.constantFrom<Grade | null>(null, 0, 1, 2, 3), {
  minLength: 15,
  maxLength: 15,
});
const tally = fc
  .array(fc.tuple(votes, fc.integer({ min: 1, max: 6 })), { maxLength: 8 })
  .map((reports) =>
    reports.reduce(
      (sum, [value, weight]) => addReport(sum, 5n, reportWord(0, value), BigInt(weight)),
      0n,
    ),
  );
const amount = fc.bigInt({ min: 0n, max: (1n << 96n) - 1n });

describe("payQuarters", () => {
  it("is the table of the protocol, vote by verdict", () => {
    const grades = [0, 1, 2, 3] as const;
    expect(grades.map((vote) => grades.map((verdict) => payQuarters(vote, verdict)))).to.deep.equal(
      [
        [1n, 0n, 0n, 0n],
        [0n, 4n, 2n, 0n],
        [0n, 2n, 4n, 2n],
        [0n, 0n, 2n, 4n],
      ],
    );
    for (const vote of grades) expect(payQuarters(vote, null)).to.equal(0n);
  });
});

describe("reportPay", () => {
  const budget = 10n ** 21n;

  it("pays a full vote its share of the budget", () => {
    const all = addReport(0n, 0n, reportWord(0, [3]), 7n);
    expect(reportPay(all, reportWord(0, [3]), 2800n, 10n)).to.deep.equal({
      pay: 40n,
      paidVotes: 1,
    });
  });

  it("divides by K where fewer voted, by all where more did", () => {
    const few = addReport(0n, 0n, reportWord(0, [3]), 3n);
    const many = addReport(0n, 0n, reportWord(0, [3]), 15n);
    const pay = (value: bigint) => reportPay(value, reportWord(0, [3]), budget, 1n).pay;
    expect(pay(few)).to.equal(4n * (budget / 28n));
    expect(pay(many)).to.equal(4n * (budget / 60n));
  });

  it("pays nothing without a quorum, without a vote, without services", () => {
    const thin = addReport(0n, 0n, reportWord(0, [3]), 2n);
    const full = addReport(0n, 0n, reportWord(0, [3]), 7n);
    expect(reportPay(thin, reportWord(0, [3]), budget, 1n)).to.deep.equal({
      pay: 0n,
      paidVotes: 0,
    });
    expect(reportPay(full, reportWord(0, []), budget, 1n)).to.deep.equal({ pay: 0n, paidVotes: 0 });
    expect(reportPay(full, reportWord(0, [3]), budget, 0n)).to.deep.equal({
      pay: 0n,
      paidVotes: 1,
    });
  });

  it("never pays all reports that counted more than the shard's share of the budget", () => {
    const reports = fc.array(fc.tuple(votes, fc.integer({ min: 1, max: 3 })), { maxLength: 5 });
    fc.assert(
      fc.property(reports, amount, fc.bigInt({ min: 15n, max: 99n }), (list, total, active) => {
        const words = list.map(([value, weight]) => ({
          word: reportWord(0, value),
          weight: BigInt(weight),
        }));
        const sum = words.reduce(
          (value, { word, weight }) => addReport(value, 0n, word, weight),
          0n,
        );
        const paid = words.reduce(
          (value, { word, weight }) => value + weight * reportPay(sum, word, total, active).pay,
          0n,
        );
        expect(paid * active <= 15n * total).to.equal(true);
      }),
    );
  });

  it("does not look at the offset or at the tally's tag", () => {
    fc.assert(
      fc.property(tally, votes, fc.nat({ max: 65_535 }), (value, own, offset) => {
        const plain = reportPay(value, reportWord(0, own), budget, 9n);
        const other = (value & ((1n << 240n) - 1n)) | (0xabcn << 244n);
        expect(reportPay(other, reportWord(offset, own), budget, 9n)).to.deep.equal(plain);
      }),
    );
  });
});

describe("chunkPay", () => {
  it("pays each word by the weight drawn in its shard", () => {
    const expected = expectedWeight(1n, 3n);
    const full = addReport(0n, 0n, reportWord(0, [3, 0]), 7n);
    fc.assert(
      fc.property(hash, (y) => {
        const words = [0, 1, 2].map((shard) => ({
          shard,
          word: reportWord(shard, [3, 0]),
          tally: full,
        }));
        const each = reportPay(full, reportWord(0, [3, 0]), 28_000n, 1n).pay;
        expect(each).to.equal(5000n);
        const weights = [0, 1, 2].reduce((sum, shard) => sum + drawnWeight(y, shard, expected), 0);
        expect(chunkPay(words, { y, expected }, 28_000n, 1n)).to.equal(each * BigInt(weights));
      }),
    );
    expect(chunkPay([], { y: `0x${"00".repeat(32)}`, expected }, 1n, 1n)).to.equal(0n);
  });
});

describe("providerPay", () => {
  it("is the share of stake times 0, 40, 80 or 100 percent", () => {
    const pays = ([0, 1, 2, 3] as const).map((grade) => providerPay(1000n, 1n, 2n, grade));
    expect(pays).to.deep.equal([0n, 200n, 400n, 500n]);
  });

  it("gains nothing from splitting a service", () => {
    fc.assert(
      fc.property(
        amount,
        fc.tuple(amount, amount, amount),
        fc.constantFrom<Grade>(0, 1, 2, 3),
        (budget, [a, b, others], grade) => {
          const total = a + b + others + 1n;
          const parts = providerPay(budget, a, total, grade) + providerPay(budget, b, total, grade);
          const whole = providerPay(budget, a + b, total, grade);
          expect(parts <= whole && whole <= budget).to.equal(true);
        },
      ),
    );
  });
});
