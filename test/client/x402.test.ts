import { expect } from "chai";
import { x402Client, wrapFetchWithPayment } from "@x402/fetch";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseEther } from "viem";
import { CollectorReads } from "../../src/cashier/collector/chain.ts";
import { Collector } from "../../src/cashier/collector/collector.ts";
import { Redeemer } from "../../src/cashier/collector/redeemer.ts";
import { CollectorStore } from "../../src/cashier/collector/store.ts";
import { parsePrice } from "../../src/cashier/price.ts";
import { authorizedDeposit } from "../../src/chain/cashier/deposits.ts";
import { openTabPayer } from "../../src/client/x402/openPayer.ts";
import { systemScheduler } from "../../src/node/scheduler.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { createPayments } from "../../src/provider/gateway/pay/createPayments.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { paid, PAY_TO } from "../support/payRig.ts";
import { PayingStage } from "../support/payingStage.ts";
import { KEY_HEX, ProviderRig } from "../support/providerRig.ts";

const PRICE = "0.001/request|0.002/MB";
const BYTE = 2n * 10n ** 9n;
const REQUEST = 10n ** 15n;

describe("@x402/fetch with the plugin of this package, on the embedded chain", function () {
  this.timeout(240_000);

  let stage: PayingStage;
  let folder: string;
  const gateways = new ProviderRig();
  const log = new MemoryLog();
  let collector: Collector;
  let redeemer: Redeemer;
  let url: string;
  let close: () => void;
  before(async () => {
    stage = await PayingStage.start("embedded", 1);
    folder = mkdtempSync(path.join(tmpdir(), "x402-"));
    const { client, deployment } = stage;
    const { key } = stage.key("buyer");
    await stage.fund(stage.key("buyer").address, parseEther("10"));
    const amount = parseEther("10");
    const nonce = `0x${"01".repeat(32)}` as const;
    await stage.relayer.send(await authorizedDeposit(client, deployment, { key, amount, nonce }));

    const { timestamp, number, hash } = await client.getBlock();
    const head = { number, hash, timestamp: Number(timestamp) };
    const time = { timing: deployment, now: () => head.timestamp, head: () => head };
    const sender = stage.sender(stage.collector(1).key);
    const common = {
      ...{ deployment, sender, time, timers: systemTimers, log },
      chain: new CollectorReads(client, deployment),
    };
    // Nothing may be unsecured: the tab is opened on chain before its first voucher counts.
    const exposure = { payer: 0n, total: 0n };
    const terms = { number: 1n, price: parsePrice(PRICE), leastLimit: parseEther("0.5"), exposure };
    const store = new CollectorStore(":memory:");
    collector = new Collector(terms, { ...common, store, clock: systemScheduler });
    const rounds = { blocPriceWei: parseEther("1000"), everyMs: 60_000 };
    redeemer = new Redeemer(rounds, { ...common, collector });

    const made = createPayments(
      { price: parsePrice(PRICE), payTo: PAY_TO, allowLoopback: true },
      {
        ...{ deployment, serviceKey: KEY_HEX, storeFile: path.join(folder, "payments.sqlite") },
        ...{ client, sender, collector, timers: systemTimers, log },
        now: () => head.timestamp * 1000,
      },
    );
    close = made.close;
    const upstream = await gateways.upstream((_, response) => response.end("sunny"));
    const gateway = await gateways.gateway(upstream.url, {}, { payments: made.payments });
    url = `http://127.0.0.1:${gateway.address.port}`;
  });
  after(async () => {
    await gateways.close();
    close();
    rmSync(folder, { recursive: true });
    await stage.stop();
  });

  const open = () =>
    openTabPayer({
      ...{ deployment: stage.deployment, rpc: stage.rpcUrl, stateDir: path.join(folder, "wallet") },
      ...{ key: hexToBytes(stage.key("buyer").key), maxSpend: parseEther("1") },
    });
  const cost = REQUEST + 5n * BYTE;

  it("pays requests by tab with no transaction of the payer", async () => {
    await using payer = await open();
    const payingFetch = wrapFetchWithPayment(fetch, payer.register(new x402Client()));
    const answers = await Promise.all(Array.from({ length: 5 }, () => payingFetch(`${url}/a`)));
    for (const answer of answers) {
      expect(`${answer.status} ${await answer.text()}`).to.equal("200 sunny");
      expect(paid(answer)).to.include({ success: true, payer: stage.key("buyer").address });
    }
    const [tab] = collector.tabs;
    expect(tab?.charged).to.equal(5n * cost);
    expect(await stage.client.getTransactionCount(stage.key("buyer"))).to.equal(0);
  });

  it("goes on with the same tab in another process", async () => {
    await using payer = await open();
    const payingFetch = wrapFetchWithPayment(fetch, payer.register(new x402Client()));
    expect((await payingFetch(`${url}/b`)).status).to.equal(200);
    expect([...collector.tabs]).to.have.length(1);
    expect([...collector.tabs][0]?.charged).to.equal(6n * cost);
  });

  it("goes on after the provider has redeemed what was paid", async () => {
    await redeemer.round();
    const [tab] = collector.tabs;
    expect(tab?.redeemed).to.equal(tab?.paid);
    expect(tab?.paid).to.be.a("bigint").and.not.equal(0n);
    expect(tab?.service).to.equal(rootServiceId(1n));
    await using payer = await open();
    const payingFetch = wrapFetchWithPayment(fetch, payer.register(new x402Client()));
    expect((await payingFetch(`${url}/c`)).status).to.equal(200);
    expect(tab?.charged).to.equal(7n * cost);
  });

  it("pays no more than the caps of its wallet", async () => {
    const options = { key: hexToBytes(stage.key("buyer").key), maxSpend: 1n };
    await using payer = await openTabPayer({
      ...{ deployment: stage.deployment, rpc: stage.rpcUrl, stateDir: path.join(folder, "poor") },
      ...options,
    });
    const payingFetch = wrapFetchWithPayment(fetch, payer.register(new x402Client()));
    const [tab] = collector.tabs;
    const before = tab?.charged;
    const failure = await payingFetch(`${url}/d`).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    expect(failure).to.contain("cap");
    expect(tab?.charged).to.equal(before);
  });
});
