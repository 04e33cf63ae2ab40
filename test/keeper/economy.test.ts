import { expect } from "chai";
import fc from "fast-check";
import { parseEther, parseGwei } from "viem";
import { dayOf, quote } from "../../src/keeper/economy.ts";

describe("quote", () => {
  const tick = { gas: 226_747n, gasPrice: parseGwei("10"), reward: parseEther("1") };

  it("weighs a tick's bounty against its gas", () => {
    const { costWei, rewardWei, pays } = quote({ ...tick, blocPriceWei: parseEther("0.01") });
    expect(costWei).to.equal(parseEther("0.00226747"));
    expect(rewardWei).to.equal(parseEther("0.01"));
    expect(pays).to.equal(true);
  });

  it("asks for a fifth more than the gas", () => {
    const even = parseEther("0.00226747");
    const enough = (even * 120n) / 100n + 1n;
    expect(quote({ ...tick, blocPriceWei: even }).pays).to.equal(false);
    expect(quote({ ...tick, blocPriceWei: enough - 1n }).pays).to.equal(false);
    expect(quote({ ...tick, blocPriceWei: enough }).pays).to.equal(true);
  });

  it("never takes what brings nothing, however cheap gas is", () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 12n });
    fc.assert(
      fc.property(amount, amount, amount, (gas, gasPrice, blocPriceWei) => {
        expect(quote({ gas, gasPrice, blocPriceWei, reward: 0n }).pays).to.equal(false);
        const reward = 10n ** 18n;
        expect(quote({ gas, gasPrice, blocPriceWei: 0n, reward }).pays).to.equal(false);
      }),
    );
  });
});

describe("dayOf", () => {
  it("changes at midnight, UTC", () => {
    const midnight = Date.UTC(2026, 10, 23) / 1000;
    expect(dayOf(midnight) - dayOf(midnight - 0.001)).to.equal(1);
    expect(dayOf(midnight)).to.equal(dayOf(midnight + 86_399));
  });
});
