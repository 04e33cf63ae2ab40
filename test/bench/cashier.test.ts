import { expect } from "chai";
import { gasTargets } from "../../bench/cashier.ts";
import { measureStatements } from "../../bench/cashier/statement.ts";
import { measureCashier, type CashierGas } from "../../bench/cashier/gas.ts";

describe("gas of the Cashier", () => {
  let gas: CashierGas;

  before(async () => {
    gas = await measureCashier(() => undefined);
  });

  it("keeps every bound", () => {
    const missed = gasTargets(gas).filter(({ ok }) => !ok);
    expect(missed).to.deep.equal([]);
  });

  it("collects a backlog in transactions that each fit a block", () => {
    expect(gas.backlog.vouchers).to.equal(5_000);
    expect(gas.backlog.transactions).to.equal(51);
    expect(gas.backlog.largest).to.be.lessThan(3_000_000);
  });

  it("costs the same for the first redemption after a collection as for any other", () => {
    const redemption = (when: string) =>
      gas.rows.find((row) => row.what === "redeem" && row.when === when)?.gas ?? NaN;
    expect(redemption("after a collection")).to.be.closeTo(redemption("repeated"), 100);
  });
});

describe("statements of the Cashier", () => {
  it("equal a recount from events, which equals what the contract says", async () => {
    const { redemptions, compared, differences } = await measureStatements();
    expect(redemptions).to.equal(1_000);
    expect(compared).to.be.at.least(300);
    expect(differences).to.equal(0);
  });
});
