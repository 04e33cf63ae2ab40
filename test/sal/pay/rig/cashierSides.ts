import { Collector, type CollectorOptions } from "../../../../src/cashier/collector/collector.ts";
import { CollectorStore } from "../../../../src/cashier/collector/store.ts";
import { WalletStore } from "../../../../src/cashier/payer/store.ts";
import { Wallet, type WalletOptions } from "../../../../src/cashier/payer/wallet.ts";
import type { Deployment } from "../../../../src/chain/deployment.ts";
import { parseServiceId } from "../../../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../../../src/protocol/signature.ts";
import { cashierDomain, cashierSeparator } from "../../../../src/protocol/voucher.ts";
import { FakeCashier } from "../../../cashier/rig/fakeCashier.ts";
import { FakeTime, FakeTimers } from "../../../support/fakeTime.ts";
import { MemoryLog } from "../../../support/memoryLog.ts";
import type { FakeClock } from "../../rig/fakeClock.ts";
import { SERVICE } from "../../rig/salRig.ts";
import { BY_BYTE } from "./payRig.ts";
import { PAYER_KEY } from "./fakeWallet.ts";

const COLLECTOR_KEY = Buffer.alloc(32, 21);
const contracts = { cashier: `0x${"c".repeat(40)}`, settlement: `0x${"5".repeat(40)}` };
const deployment = { chainId: 31_337, contracts } as Deployment;
const domain = cashierDomain(31_337n, deployment.contracts.cashier);

/** A real collector and real wallets on their disks, beside a chain in memory. */
export class CashierSides {
  readonly timers = new FakeTimers();
  readonly time = new FakeTime(this.timers, { genesis: 1_800_000_000, epochSeconds: 3_600 }, 1_000);
  readonly chain = new FakeCashier(this.time, cashierSeparator(domain));
  readonly log = new MemoryLog();
  readonly collectorDisk = new CollectorStore(":memory:");
  readonly walletDisk = new WalletStore(":memory:");

  constructor(deposit = 10n ** 12n) {
    this.chain.deposit(addressOfKey(PAYER_KEY), deposit);
  }

  /** Starts a collector on its disk; its commits follow the session's clock. */
  collect(clock: FakeClock, options: Partial<CollectorOptions> = {}): Collector {
    const { chain, time, timers, log } = this;
    const sender = chain.sender(addressOfKey(COLLECTOR_KEY));
    return new Collector(
      { number: parseServiceId(SERVICE).prefix, price: BY_BYTE, ...options },
      { deployment, chain, sender, time, timers, log, store: this.collectorDisk, clock },
    );
  }

  /** Starts a wallet on its disk. */
  pay(options: Partial<WalletOptions> = {}, disk = this.walletDisk): Wallet {
    const { chain, time, log } = this;
    return new Wallet({ domain, key: PAYER_KEY, ...options }, { store: disk, chain, time, log });
  }
}
