import { expect } from "chai";
import { parseEther } from "viem";
import { parsePrice } from "../../src/cashier/price.ts";
import { LEAST_TRANCHE_BYTES, trancheCost } from "../../src/cashier/quote.ts";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { parts } from "../support/cliRig.ts";
import { until } from "../support/until.ts";
import { WeatherRig } from "../support/weatherRig.ts";

const { owner: payer } = parts;
const PIECE = 2_000_000;
const PRICE = parsePrice("0.002/MB|0.0001/request");

/** A service with a price on a real chain, in the SAL; each test goes on where the one before ended. */
describe("commands that pay", function () {
  this.timeout(120_000);
  let rig: WeatherRig;

  before(async () => {
    rig = await WeatherRig.start({
      price: PRICE,
      blocPriceWei: parseEther("1000"),
      leastLimit: parseEther("0.5"),
      // So that a tab is opened on chain soon.
      exposure: { payer: parseEther("0.001"), total: parseEther("1") },
      redeemMs: 50,
      allowLoopback: true,
    });
  });
  after(() => rig.stop());

  const fetched = async (path: string, flags: string) => {
    const use = `--resolver ${rig.resolverUrl} --allow-loopback`;
    return rig.chain.cli(`fetch weather.bloc.alt${path} ${use} ${flags}`, {
      // The rig's own timers move the chain.
      timers: systemTimers,
    });
  };
  const statement = async () => {
    const { code, stderr, json } = await rig.chain.cli(`cashier statement ${payer.address} --json`);
    expect(code, stderr).to.equal(0);
    const amount = (name: string) => BigInt(String(json()[name]));
    return { signed: amount("signed"), redeemed: amount("redeemed"), left: amount("left") };
  };
  let spent = 0n;
  const PAY = "--payer-key-file owner.key";

  it("pay nothing without --max-spend: what is free is served, and no more", async () => {
    const { code, stdout, stderr } = await fetched("/forecast", PAY);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.equal("sunny");
    const alone = await fetched("/forecast", "--max-spend 1");
    expect(alone.code).to.equal(exitCodes.usage);
    expect(alone.stderr).to.contain("--payer-key-file");
  });

  it("say what to do when the account is empty, and pay from it when it is not", async () => {
    const poor = await fetched(`/bytes/${4 * PIECE}`, `${PAY} --max-spend 1`);
    expect(poor.code, poor.stderr).to.equal(exitCodes.failed);
    expect(poor.stderr).to.match(/^(CASHIER_FUNDS|SAL_UNPAID): /);
    const deposit = await rig.chain.cli(`cashier deposit 10 ${PAY} --yes`);
    expect(deposit.code, deposit.stderr).to.equal(0);
    const paid = await fetched(`/bytes/${PIECE}`, `${PAY} --max-spend 1 --json`);
    expect(paid.code, paid.stderr).to.equal(0);
    const { status, paid: amount } = paid.json();
    expect(status).to.equal(200);
    // In arrears, and less what is free.
    expect(Number(amount)).to.be.within(Number(parseEther("0.002")), Number(parseEther("0.0042")));
    spent += BigInt(String(amount));
  });

  it("pay no more than --max-spend", async () => {
    const { code, stderr } = await fetched(`/bytes/${10 * PIECE}`, `${PAY} --max-spend 0.006`);
    expect(code).to.equal(exitCodes.failed);
    expect(stderr).to.match(/^(CASHIER_CAP|SAL_UNPAID): .*cap/);
    const books = await statement();
    expect(books.signed - spent <= parseEther("0.006"), `${books.signed} ${spent}`).to.equal(true);
    spent = books.signed;
  });

  it("show what was signed and what the provider has redeemed, which is all but a part of the window", async () => {
    const line = `cashier tabs ${payer.address} --state .blockcloud --json`;
    const { tabs } = (await rig.chain.cli(line)).json();
    const [tab] = tabs as Record<string, string>[];
    expect(tab).to.include({ state: "Open", number: "1", signed: spent.toString() });
    const closed = await rig.chain.cli(`cashier close --all ${PAY} --yes`);
    expect(closed.code, closed.stderr).to.equal(0);
    // A voucher that was signed while its connection closed did not arrive.
    const window = 2n * trancheCost({ price: PRICE, trancheBytes: LEAST_TRANCHE_BYTES });
    await until("the provider has redeemed what it holds", async () => {
      const { redeemed, signed, left } = await statement();
      expect(left).to.equal(parseEther("10") - redeemed);
      expect(redeemed <= signed).to.equal(true);
      return redeemed > 0n && redeemed + window >= signed;
    });
    expect((await statement()).signed).to.equal(spent);
  });
});
