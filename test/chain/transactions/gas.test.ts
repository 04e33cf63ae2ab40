import { expect } from "chai";
import { gasLimit, isOutOfGas } from "../../../src/chain/transactions/gas.ts";

describe("gas", () => {
  it("has room for the first call of an epoch, and ends at what one transaction may have", () => {
    // Measured: a stake of 51,778 costs 74,230 at the beginning of an epoch, an enrolment 22,829 more.
    expect(gasLimit(51_778n) > 2n * 74_230n).to.equal(true);
    expect(gasLimit(16_000_000n)).to.equal(16_777_216n);
  });

  it("has run out where all was used but what the caller keeps", () => {
    expect(isOutOfGas(100_000n, 100_000n)).to.equal(true);
    expect(isOutOfGas(98_438n, 100_000n)).to.equal(true);
    expect(isOutOfGas(98_000n, 100_000n)).to.equal(false);
  });
});
