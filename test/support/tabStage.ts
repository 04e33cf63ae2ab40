import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseEther, type Address, type Hex } from "viem";
import { CollectorReads } from "../../src/cashier/collector/chain.ts";
import { Collector } from "../../src/cashier/collector/collector.ts";
import { Redeemer } from "../../src/cashier/collector/redeemer.ts";
import { CollectorStore } from "../../src/cashier/collector/store.ts";
import { parsePrice } from "../../src/cashier/price.ts";
import { authorizedDeposit } from "../../src/chain/cashier/deposits.ts";
import { systemScheduler } from "../../src/node/scheduler.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { createPayments } from "../../src/provider/gateway/pay/createPayments.ts";
import { MemoryLog } from "./memoryLog.ts";
import { PayingStage } from "./payingStage.ts";
import { PAY_TO } from "./payRig.ts";
import { KEY_HEX, ProviderRig } from "./providerRig.ts";

/** A priced gateway of service 1 with a real collector on the embedded chain, and a buyer with BLOC and no ether. */
export class TabStage {
  readonly stage: PayingStage;
  readonly folder: string;
  readonly collector: Collector;
  readonly redeemer: Redeemer;
  readonly url: string;
  readonly #gateways: ProviderRig;
  readonly #close: () => void;

  private constructor(parts: {
    stage: PayingStage;
    folder: string;
    collector: Collector;
    redeemer: Redeemer;
    url: string;
    gateways: ProviderRig;
    close: () => void;
  }) {
    this.stage = parts.stage;
    this.folder = parts.folder;
    this.collector = parts.collector;
    this.redeemer = parts.redeemer;
    this.url = parts.url;
    this.#gateways = parts.gateways;
    this.#close = parts.close;
  }

  get buyer(): { key: Hex; address: Address } {
    return this.stage.key("buyer");
  }

  /** @param price Of the service. */
  static async start(price: string): Promise<TabStage> {
    const stage = await PayingStage.start("embedded", 1);
    const folder = mkdtempSync(path.join(tmpdir(), "x402-"));
    const { client, deployment } = stage;
    const log = new MemoryLog();
    const { key, address } = stage.key("buyer");
    await stage.fund(address, parseEther("20"));
    const deposit = { key, amount: parseEther("10"), nonce: `0x${"01".repeat(32)}` as const };
    await stage.relayer.send(await authorizedDeposit(client, deployment, deposit));

    const { timestamp, number, hash } = await client.getBlock();
    const head = { number, hash, timestamp: Number(timestamp) };
    const time = { timing: deployment, now: () => head.timestamp, head: () => head };
    const sender = stage.sender(stage.collector(1).key);
    const chain = new CollectorReads(client, deployment);
    const common = { deployment, sender, time, timers: systemTimers, log, chain };
    // Nothing may be unsecured: the tab is opened on chain before its first voucher counts.
    const exposure = { payer: 0n, total: 0n };
    const terms = { number: 1n, price: parsePrice(price), leastLimit: parseEther("0.5"), exposure };
    const store = new CollectorStore(":memory:");
    const collector = new Collector(terms, { ...common, store, clock: systemScheduler });
    const rounds = { blocPriceWei: parseEther("1000"), everyMs: 60_000 };
    const redeemer = new Redeemer(rounds, { ...common, collector });

    const { payments, close } = createPayments(
      {
        ...{ price: parsePrice(price), payTo: PAY_TO, allowLoopback: true },
        weiPerBloc: parseEther("1000"),
      },
      {
        ...{ deployment, serviceKey: KEY_HEX, storeFile: path.join(folder, "payments.sqlite") },
        ...{ client, sender, collector, timers: systemTimers, log },
        now: () => Date.now(),
      },
    );
    const gateways = new ProviderRig();
    const upstream = await gateways.upstream((_, response) => response.end("sunny"));
    const gateway = await gateways.gateway(upstream.url, {}, { payments });
    const url = `http://127.0.0.1:${gateway.address.port}`;
    return new TabStage({ stage, folder, collector, redeemer, url, gateways, close });
  }

  async stop(): Promise<void> {
    await this.#gateways.close();
    this.#close();
    rmSync(this.folder, { recursive: true });
    await this.stage.stop();
  }
}
