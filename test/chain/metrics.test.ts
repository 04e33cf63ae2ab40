import { expect } from "chai";
import { setImmediate as turn } from "node:timers/promises";
import { createPublicClient, custom, type TransactionReceipt } from "viem";
import { describeChain } from "../../src/chain/client.ts";
import { ChainMetrics, type Balance } from "../../src/chain/metrics.ts";
import { RevertError } from "../../src/chain/rpc/faults.ts";
import { createMetrics, type Metrics } from "../../src/node/metrics.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../support/fakeTime.ts";
import { failureOf } from "../support/httpClient.ts";
import { sample } from "../support/samples.ts";

const receipt = {
  gasUsed: 50_000n,
  effectiveGasPrice: 3n,
  logs: [],
} as unknown as TransactionReceipt;

describe("ChainMetrics", () => {
  let metrics: Metrics;
  let chain: ChainMetrics;
  let timers: FakeTimers;
  let seen: TransactionReceipt[];
  beforeEach(() => {
    metrics = createMetrics("auditor");
    seen = [];
    timers = new FakeTimers();
    chain = new ChainMetrics(metrics, timers, [{ mined: (each) => seen.push(each) }]);
  });

  const value = (name: string, labels?: Record<string, string>) => sample(metrics, name, labels);

  describe("requests", () => {
    let answer: () => unknown;
    const client = () =>
      createPublicClient({
        chain: describeChain(1),
        transport: chain.observe(custom({ request: async () => answer() }, { retryCount: 0 })),
      });

    it("are timed by method, and counted when they fail", async () => {
      answer = () => "0x7";
      expect(await client().getBlockNumber()).to.equal(7n);
      const method = "eth_blockNumber";
      expect(await value("blockcloud_rpc_request_seconds_count", { method })).to.equal(1);
      expect(await value("blockcloud_rpc_errors_total", { method })).to.equal(0);
      answer = () => {
        throw new Error("no route to host");
      };
      await failureOf(client().request({ method }));
      expect(await value("blockcloud_rpc_request_seconds_count", { method })).to.equal(2);
      expect(await value("blockcloud_rpc_errors_total", { method })).to.equal(1);
    });

    it("that are answered by a revert have not failed", async () => {
      answer = () => {
        throw new RevertError("execution reverted", "0x");
      };
      await failureOf(client().request({ method: "eth_call", params: [{}, "latest"] }));
      expect(await value("blockcloud_rpc_errors_total", { method: "eth_call" })).to.equal(0);
    });

    it("of unknown methods are one series", async () => {
      answer = () => "0x";
      const request = client().request as (asked: object) => Promise<unknown>;
      for (const method of ["web3_sha3", "anvil_reorg"]) await request({ method });
      const method = "other";
      expect(await value("blockcloud_rpc_request_seconds_count", { method })).to.equal(2);
    });
  });

  it("count what is mined, its gas and its fees, and pass the receipt on", async () => {
    chain.mined({ functionName: "commit" }, receipt);
    chain.mined({ functionName: "commit" }, receipt);
    const labels = { function: "commit" };
    expect(await value("blockcloud_transactions_mined_total", labels)).to.equal(2);
    expect(await value("blockcloud_transaction_gas_total", labels)).to.equal(100_000);
    expect(await value("blockcloud_transaction_fees_wei_total", labels)).to.equal(300_000);
    expect(seen).to.deep.equal([receipt, receipt]);
  });

  it("count what fails, by code", async () => {
    chain.failed({ functionName: "reveal" }, new BlockcloudError("CALL_REVERTED", "reverts"));
    chain.failed({ functionName: "mint" }, new Error("?"));
    const name = "blockcloud_transaction_failures_total";
    expect(await value(name, { function: "reveal", code: "CALL_REVERTED" })).to.equal(1);
    expect(await value(name, { function: "other", code: "other" })).to.equal(1);
    chain.failed({ functionName: "mint" }, AbortSignal.abort().reason);
    expect(await value(name, { function: "other", code: "other" }), "no failure").to.equal(1);
  });

  it("tell how each endpoint does, by its place", async () => {
    const up = (endpoint: string) => value("blockcloud_rpc_endpoint_up", { endpoint });
    chain.answered(1, "ok");
    chain.answered(2, "timeout");
    chain.changed(2, "down");
    chain.answered(2, "timeout");
    expect(await up("1")).to.equal(1);
    expect(await up("2")).to.equal(0);
    chain.changed(2, "up");
    expect(await up("2")).to.equal(1);
    expect(await up("3"), "there is none").to.equal(undefined);
    const name = "blockcloud_rpc_endpoint_requests_total";
    expect(await value(name, { endpoint: "2", outcome: "timeout" })).to.equal(2);
    expect(await value(name, { endpoint: "1", outcome: "ok" })).to.equal(1);
  });

  it("tell the head, its age and the epoch, once there is a clock", async () => {
    expect(await value("blockcloud_chain_head_block")).to.be.NaN;
    expect(metrics.health.report().ok).to.equal(false);
    const time = new FakeTime(timers, DEPLOYMENT, 50);
    time.blockSeconds = 10;
    chain.follow(time);
    timers.pass(14_000);
    expect(await value("blockcloud_chain_head_block")).to.equal(501);
    expect(await value("blockcloud_chain_head_timestamp_seconds")).to.equal(1_700_005_010);
    expect(await value("blockcloud_chain_head_age_seconds")).to.equal(4);
    expect(await value("blockcloud_current_epoch")).to.equal(50);
    expect(metrics.health.report()).to.deep.equal({
      ok: true,
      checks: [{ name: "chain_head", ok: true }],
    });
  });

  it("find a chain unwell that makes no blocks", () => {
    const time = new FakeTime(timers, DEPLOYMENT, 50);
    time.blockSeconds = 5_000;
    chain.follow(time);
    timers.pass(120_000);
    expect(metrics.health.report().ok).to.equal(true);
    timers.pass(1_000);
    const [check] = metrics.health.report().checks;
    expect(check).to.deep.equal({
      name: "chain_head",
      ok: false,
      reason: "no new block for 121 s",
    });
  });

  it("tell the balance without waiting for it, and ask once a minute at the most", async () => {
    const balance = () => value("blockcloud_wallet_balance_wei");
    let asked = 0;
    let answer = Promise.withResolvers<Balance>();
    chain.watchBalance(() => {
      asked += 1;
      return answer.promise;
    });
    expect(await balance()).to.be.NaN;
    answer.resolve({ wei: 7n, rounds: 3n });
    await turn();
    expect(await balance()).to.equal(7);
    expect(await value("blockcloud_wallet_rounds_left")).to.equal(3);
    timers.pass(59_999);
    await balance();
    expect(asked).to.equal(1);
    answer = Promise.withResolvers();
    timers.pass(1);
    expect(await balance(), "the old one, until there is a new one").to.equal(7);
    expect(asked).to.equal(2);
    answer.reject(new Error("no route to host"));
    await turn();
    expect(await balance()).to.equal(7);
  });
});
