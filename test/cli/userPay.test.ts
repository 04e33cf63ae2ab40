import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseEther } from "viem";
import { Spending } from "../../src/cashier/payer/spending.ts";
import { coinOf, payFlags as providerPay, paySettings } from "../../src/cli/provider/payFlags.ts";
import { capsOf } from "../../src/cli/user/payFlags.ts";
import type { Flags, Values } from "../../src/cli/framework/flag.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { runCli } from "../support/cli.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";

const [one, two] = [rootServiceId(1n), rootServiceId(2n)];
const tab = `0x${"7a".repeat(32)}` as const;
const bloc = (text: string) => parseEther(text);

describe("limits of what a run pays", () => {
  const today = 20_000;
  /** Earlier runs paid 3 BLOC to service 1 yesterday, and 1 to service 2 today. */
  const before = [
    { service: one, tab, day: today - 1, amount: bloc("3") },
    { service: two, tab, day: today, amount: bloc("1") },
  ];
  const left = (flags: Omit<Parameters<typeof capsOf>[0], "maxSpend">, service = one) =>
    new Spending(capsOf({ maxSpend: bloc("5"), ...flags }, before), before).tightest(service, today)
      ?.left;
  const none = { maxSpendService: undefined, maxSpendDay: undefined };

  it("count from the run's start: what earlier runs have paid is not among it", () => {
    expect(left(none)).to.equal(bloc("5"));
    expect(left({ ...none, maxSpendService: bloc("2") })).to.equal(bloc("2"));
    expect(left({ ...none, maxSpendService: bloc("2") }, two)).to.equal(bloc("2"));
    expect(left({ ...none, maxSpendService: bloc("2") }, rootServiceId(9n))).to.equal(bloc("2"));
  });

  it("but those of a day count with the day's earlier runs", () => {
    expect(left({ ...none, maxSpendDay: bloc("1.5") })).to.equal(bloc("0.5"));
    expect(left({ ...none, maxSpendDay: bloc("0.5") })).to.equal(0n);
  });
});

describe("flags of a price", () => {
  const valuesOf = (given: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(providerPay as Flags).map(([name, { schema, options }]) => {
        const text = given[name] ?? options.default;
        return [name, text === undefined ? undefined : schema.parse(text)];
      }),
    ) as Values<typeof providerPay>;

  it("give nothing without a price, and settings with one", () => {
    expect(paySettings(valuesOf({ blocPrice: "0.0003" }), false)).to.equal(undefined);
    const given = { price: "0.002/MB|0.01/hour", blocPrice: "0.0003", exposure: "2" };
    expect(paySettings(valuesOf(given), true)).to.deep.include({
      price: { perByte: 2_000_000_000n, perRequest: 0n, perSecond: 2_777_777_777_777n },
      blocPriceWei: bloc("0.0003"),
      exposure: { payer: bloc("2"), total: bloc("200") },
      allowance: { requests: 3, bytes: 4 * 1_048_576 },
      redeemMs: 60_000,
      allowLoopback: true,
    });
  });

  it("take a stablecoin only in the described form", () => {
    const coin = { address: `0x${"aa".repeat(20)}`, name: "USDC", version: "2", decimals: 6 };
    expect(coinOf(JSON.stringify({ ...coin, price: "0.001/request" }))?.perRequest).to.equal(
      1_000n,
    );
    for (const wrong of [
      "{",
      "[]",
      JSON.stringify(coin),
      JSON.stringify({ ...coin, price: "free" }),
      JSON.stringify({ ...coin, price: "0.0000001/request" }),
      JSON.stringify({ ...coin, price: "1/request", more: 1 }),
      JSON.stringify({ ...coin, price: "1/request", decimals: 19 }),
      JSON.stringify({ ...coin, price: "1/request", address: "0x1" }),
    ]) {
      expect(coinOf(wrong), wrong).to.equal(undefined);
    }
  });

  it("are refused where they contradict each other, all at once", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "pay-flags-"));
    try {
      writeFileSync(path.join(folder, "devnet.json"), JSON.stringify(DEPLOYMENT));
      const env = {
        BLOCKCLOUD_DEPLOYMENT: "devnet.json",
        BLOCKCLOUD_RPC: "http://127.0.0.1:9",
        BLOCKCLOUD_SERVICE_KEY: `0x${"11".repeat(32)}`,
        BLOCKCLOUD_WALLET_KEY: `0x${"12".repeat(32)}`,
      };
      const run = async (flags: string) => {
        const line = "provider run --service 7 --upstream http://127.0.0.1:9 --listen 127.0.0.1:0";
        const { code, stderr } = await runCli(`${line} ${flags}`.split(" "), { cwd: folder, env });
        expect(code).to.equal(2);
        return stderr;
      };
      expect(await run("--price 1/MB")).to.contain("give --bloc-price, too");
      expect(await run("--price 1/furlong --bloc-price 1")).to.contain("amounts of BLOC");
      expect(await run("--least-limit 5")).to.contain("Give --price, or leave out --least-limit");
      const graded = await run("--price 1/MB --bloc-price 1 --highest-grade 2 --total-exposure 9");
      expect(graded).to.contain("give --graded-cap").and.to.contain("give --exposure, too");
      const pay = await runCli(["fetch", "weather/x", "--max-spend-day", "1"], {
        cwd: folder,
        env,
      });
      expect(pay.code).to.equal(2);
      expect(pay.stderr).to.contain("give --max-spend, too");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
