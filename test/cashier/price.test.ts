import { expect } from "chai";
import fc from "fast-check";
import { parseEther } from "viem";
import { costOf, MAX_AMOUNT, parsePrice, priceText } from "../../src/cashier/price.ts";
import { booksOf, trancheCost } from "../../src/cashier/quote.ts";
import "../support/arbitraries.ts";
import { expectCode } from "../support/expectCode.ts";

const HOUR_MS = 3_600_000;

describe("prices", () => {
  it("name an amount for bytes, for requests and for time", () => {
    expect(parsePrice("0.002/MB|0.0001/request|0.036/hour")).to.deep.equal({
      perByte: 2_000_000_000n,
      perRequest: parseEther("0.0001"),
      perSecond: parseEther("0.00001"),
    });
    expect(parsePrice("2/GB")).to.deep.equal(parsePrice("0.002/MB"));
    expect(parsePrice(" 0.6/minute ")).to.deep.equal(parsePrice("36/hour"));
    expect(parsePrice("0/MB")).to.deep.equal({ perByte: 0n, perRequest: 0n, perSecond: 0n });
  });

  it("of a time are rounded down, so that an hour never costs more than its price says", () => {
    const price = parsePrice("0.01/hour");
    const hour = costOf(price, { bytes: 0, requests: 0, milliseconds: HOUR_MS });
    expect(hour <= parseEther("0.01")).to.be.true;
    // Less than one wei for each second is lost.
    expect(parseEther("0.01") - hour < 3_600n).to.be.true;
    expect(costOf(price, { bytes: 0, requests: 0, milliseconds: 0.9 })).to.equal(0n);
  });

  it("refuse what is no price, what is too small to charge, and what no tab can hold", () => {
    for (const text of [
      "",
      "|",
      "free",
      "1",
      "1/",
      "-1/MB",
      "1e3/MB",
      "0x1/MB",
      "1,5/MB",
      "1/mb",
      "1/MiB",
      "1/toString",
      "1/MB|",
      "1/MB|2/GB",
      "1/second|1/hour",
      "0.0000000000000000001/request",
      "0.0000000000001/MB",
      "0.000000000000000001/hour",
      "1000000000000/request",
      `${"1/request|".repeat(40)}1/MB`,
    ])
      expectCode("PRICE_INVALID", () => parsePrice(text));
  });

  it("an amount for bytes must divide: 0.1 wei for each byte cannot be charged", () => {
    expectCode("PRICE_INVALID", () => parsePrice("0.0000000000011/MB"));
    expect(parsePrice("0.000000000001/MB").perByte).to.equal(1n);
  });

  it("come back exactly from their text", () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 20n });
    const price = fc.record({ perByte: amount, perRequest: amount, perSecond: amount });
    fc.assert(
      fc.property(price, (value) => {
        // A second's amount is printed for an hour, and must keep below nine digits.
        const printable = { ...value, perByte: value.perByte % 10n ** 18n };
        expect(parsePrice(priceText(printable))).to.deep.equal(printable);
      }),
    );
    expect(priceText(parsePrice("0.002/MB|0.0001/request"))).to.equal("0.002/MB|0.0001/request");
  });

  it("cost the same whether a use is charged at once or step by step", () => {
    const price = parsePrice("0.002/MB|0.0001/request|0.01/hour");
    const step = fc.record({ bytes: fc.nat(10 ** 7), requests: fc.nat(9), milliseconds: fc.nat() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const use = { bytes: 0, requests: 0, milliseconds: 0 };
        let charged = 0n;
        for (const each of steps) {
          use.bytes += each.bytes;
          use.requests += each.requests;
          use.milliseconds += each.milliseconds;
          const due = costOf(price, use);
          expect(due >= charged).to.be.true;
          charged += due - charged;
        }
        expect(charged).to.equal(costOf(price, use));
      }),
    );
  });

  it("a tranche has bytes, requests and time, so that each price has a window above 0", () => {
    const trancheBytes = 1_048_576;
    for (const text of ["0.002/MB", "0.0001/request", "0.01/hour"])
      expect(trancheCost({ price: parsePrice(text), trancheBytes }) > 0n, text).to.be.true;
    expect(trancheCost({ price: parsePrice("0.002/MB"), trancheBytes })).to.equal(
      1_048_576n * 2_000_000_000n,
    );
    expect(parsePrice("999999999/request").perRequest <= MAX_AMOUNT).to.be.true;
  });

  it("a salt's first 20 bytes name the collector's books", () => {
    const salt = `0x${"00".repeat(12)}${"Ab".repeat(8)}${"01".repeat(12)}` as const;
    expect(booksOf(salt)).to.equal(`0x${"00".repeat(12)}${"ab".repeat(8)}`);
  });
});
