import { expect } from "chai";
import fc from "fast-check";
import { parseGwei } from "viem";
import { priceOf, replacementFees, type FeePolicy } from "../../../src/chain/transactions/fees.ts";

const gwei = parseGwei;
const market = { baseFee: gwei("10"), tip: gwei("1") };

describe("fees", () => {
  it("leave room for a base fee that doubles", () => {
    expect(priceOf(market, {}, false)).to.deep.equal({
      maxFeePerGas: gwei("21"),
      maxPriorityFeePerGas: gwei("1"),
    });
  });

  it("stay within the limit, and wait where the market is above it", () => {
    expect(priceOf(market, { maxFeePerGas: gwei("15") }, false)?.maxFeePerGas).to.equal(gwei("15"));
    expect(priceOf(market, { maxFeePerGas: gwei("11") }, false)?.maxFeePerGas).to.equal(gwei("11"));
    expect(priceOf(market, { maxFeePerGas: gwei("11") - 1n }, false)).to.equal(undefined);
  });

  it("have a limit of their own for what is urgent", () => {
    const policy = { maxFeePerGas: gwei("5"), urgentMaxFeePerGas: gwei("12") };
    expect(priceOf(market, policy, false)).to.equal(undefined);
    expect(priceOf(market, policy, true)?.maxFeePerGas).to.equal(gwei("12"));
    expect(priceOf(market, { maxFeePerGas: gwei("5") }, true)?.maxFeePerGas).to.equal(gwei("21"));
  });

  it("do not pay a tip that somebody makes up", () => {
    const greedy = { ...market, tip: gwei("1000000") };
    expect(priceOf(greedy, {}, true)?.maxPriorityFeePerGas).to.equal(gwei("5"));
    expect(priceOf(greedy, { maxPriorityFeePerGas: 8n }, true)?.maxPriorityFeePerGas).to.equal(4n);
  });

  it("of a replacement are an eighth more in both fields, or the market's, and never above a limit", () => {
    const wei = fc.bigInt({ min: 0n, max: 10n ** 12n });
    const limit = fc.option(fc.bigInt({ min: 1n, max: 10n ** 12n }), { nil: undefined });
    fc.assert(
      fc.property(
        wei,
        wei,
        wei,
        wei,
        limit,
        fc.boolean(),
        (fee, tip, baseFee, market_, cap, urgent) => {
          const old = { maxFeePerGas: fee + tip, maxPriorityFeePerGas: tip };
          const policy: FeePolicy = { maxFeePerGas: cap, urgentMaxFeePerGas: cap };
          const bid = replacementFees(old, { baseFee, tip: market_ }, policy, urgent);
          if (bid === undefined) return;
          expect(bid.maxFeePerGas * 8n >= old.maxFeePerGas * 9n).to.equal(true);
          expect(bid.maxPriorityFeePerGas * 8n >= old.maxPriorityFeePerGas * 9n).to.equal(true);
          expect(bid.maxFeePerGas > old.maxFeePerGas).to.equal(true);
          expect(bid.maxFeePerGas >= baseFee + bid.maxPriorityFeePerGas).to.equal(true);
          expect(cap === undefined || bid.maxFeePerGas <= cap).to.equal(true);
          expect(bid.maxPriorityFeePerGas <= gwei("10")).to.equal(true);
        },
      ),
    );
  });

  it("of replacements reach a limit after some, and then stop", () => {
    const policy = { maxFeePerGas: gwei("100") };
    let fees = priceOf(market, policy, false);
    let bids = 0;
    for (; fees !== undefined; bids++) fees = replacementFees(fees, market, policy, false);
    expect(bids).to.be.within(10, 25);
  });
});
