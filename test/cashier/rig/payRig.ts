import type { Address, Hex } from "viem";
import { Collector, type CollectorOptions } from "../../../src/cashier/collector/collector.ts";
import { Redeemer } from "../../../src/cashier/collector/redeemer.ts";
import { CollectorStore } from "../../../src/cashier/collector/store.ts";
import { WalletStore } from "../../../src/cashier/payer/store.ts";
import { Wallet, type WalletOptions } from "../../../src/cashier/payer/wallet.ts";
import { parsePrice } from "../../../src/cashier/price.ts";
import { trancheCost } from "../../../src/cashier/quote.ts";
import type { CollectorTab, PayerTab } from "../../../src/cashier/tabs.ts";
import type { Deployment } from "../../../src/chain/deployment.ts";
import type { Scheduler } from "../../../src/node/scheduler.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  signVoucher,
  type Redemption,
  type Voucher,
} from "../../../src/protocol/voucher.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { FakeCashier } from "./fakeCashier.ts";

export const PRICE = parsePrice("0.002/MB");
/** What a tranche costs with that price, BLOC in wei. */
export const TRANCHE = trancheCost({ price: PRICE, trancheBytes: 1_048_576 });
export const WINDOW = 2n * TRANCHE;
const EPOCH_SECONDS = 3_600;
const address = (digit: string): Address => `0x${digit.repeat(40)}`;
/** Only what a collector reads of a deployment. */
export const deployment = {
  chainId: 31_337,
  contracts: { cashier: address("c"), settlement: address("5") },
} as Deployment;
export const domain = cashierDomain(31_337n, address("c"));
export const service = rootServiceId(3n);
export const collectorKey = new Uint8Array(32).fill(9);
export const payerKey = new Uint8Array(32).fill(7);
export const payer = addressOfKey(payerKey);

/** Commits of a process: they end with it. */
class Life implements Scheduler {
  readonly #due = new Map<() => void, number>();
  isDead = false;

  monotonic(): number {
    return 0;
  }

  after(milliseconds: number, act: () => void): () => void {
    this.#due.set(act, milliseconds);
    return () => this.#due.delete(act);
  }

  /** Lets all timers run. */
  run(): void {
    if (this.isDead) return;
    for (const act of [...this.#due.keys()]) {
      this.#due.delete(act);
      act();
    }
  }

  /** How long its timers wait, milliseconds. */
  get waits(): number[] {
    return [...this.#due.values()];
  }
}

/** One process of a collector. */
export interface CollectorLife {
  collector: Collector;
  redeemer: Redeemer;
  /** Lets the group commit, and other timers, run. */
  commit(): void;
  /** How long its timers wait, milliseconds. */
  waits(): number[];
  /** Ends the process: what is not on disk is lost. */
  crash(): void;
}

/** A payer and a collector with their disks, beside a chain in memory. Disks outlive processes. */
export class PayRig {
  readonly timers = new FakeTimers();
  readonly time: FakeTime;
  readonly chain: FakeCashier;
  readonly log = new MemoryLog();
  readonly collectorDisk = new CollectorStore(":memory:");
  readonly walletDisk = new WalletStore(":memory:");

  constructor(options: { deposit?: bigint; epoch?: number } = {}) {
    const timing = { genesis: 1_800_000_000, epochSeconds: EPOCH_SECONDS };
    this.time = new FakeTime(this.timers, timing, options.epoch ?? 1_000);
    this.chain = new FakeCashier(this.time, cashierSeparator(domain));
    this.chain.deposit(payer, options.deposit ?? 10_000n * TRANCHE);
  }

  /** Both sides, with a tab. */
  static async pair(): Promise<Pair> {
    const rig = new PayRig();
    const life = rig.collect();
    const wallet = rig.pay();
    const [ours, theirs] = await rig.tab(wallet, life);
    return { rig, life, wallet, ours, theirs };
  }

  /** Starts a process with the collector's disk. */
  collect(
    options: Partial<CollectorOptions> = {},
    disk = this.collectorDisk,
    blocPriceWei = 10n ** 18n,
  ): CollectorLife {
    const { chain, time, log, timers } = this;
    const life = new Life();
    const sender = chain.sender(addressOfKey(collectorKey));
    const shared = { deployment, chain, sender, time, timers, log };
    const collector = new Collector(
      { number: 3n, price: PRICE, ...options },
      { ...shared, store: disk, clock: life },
    );
    const redeemer = new Redeemer({ blocPriceWei, everyMs: 1000 }, { ...shared, collector });
    return {
      collector,
      redeemer,
      commit: () => {
        life.run();
      },
      waits: () => life.waits,
      crash: () => {
        life.isDead = true;
        // Nothing of it goes on: it writes nothing any more, and sends nothing.
        void collector.opener.stop();
      },
    };
  }

  /** Starts a process with the payer's disk. */
  pay(options: Partial<WalletOptions> = {}, disk = this.walletDisk): Wallet {
    const { chain, time, log } = this;
    return new Wallet({ domain, key: payerKey, ...options }, { store: disk, chain, time, log });
  }

  /** A tab on both sides. */
  async tab(wallet: Wallet, life: CollectorLife): Promise<[PayerTab, CollectorTab]> {
    const ours = await wallet.tabFor(life.collector.quote());
    return [ours, await open(life, ours)];
  }

  /** Lets time pass. */
  async pass(seconds: number): Promise<void> {
    await this.timers.advance(seconds * 1000);
  }
}

/** A payer and a collector with a tab. */
export interface Pair {
  rig: PayRig;
  life: CollectorLife;
  wallet: Wallet;
  ours: PayerTab;
  theirs: CollectorTab;
}

/** Presents a payer's tab to a collector. */
export async function open(life: CollectorLife, tab: PayerTab): Promise<CollectorTab> {
  const { authorization, signature, salt } = tab;
  return committed(life, life.collector.open({ authorization, signature, salt }));
}

/** Lets commits run until a promise is settled. */
export async function committed<T>(life: CollectorLife, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  while (!isSettled) {
    life.commit();
    await new Promise(setImmediate);
  }
  return promise;
}

export const hex = (digits: string): Hex => `0x${digits.padStart(64, "0")}`;

/** How a voucher differs from a fair one: its fields, its key, its domain and its salt. */
export type VoucherChange = [
  change: Partial<Voucher>,
  key?: Uint8Array,
  separator?: Uint8Array,
  salt?: Hex,
];

/** A voucher of a tab for a tranche in the first epoch, with what an attacker changes. */
export function tabVoucher(
  { service: of, tab, salt }: PayerTab,
  ...how: VoucherChange
): Redemption {
  const [change, key = payerKey, separator = cashierSeparator(domain), by = salt] = how;
  const fair = { payer, tab, cumulative: TRANCHE, base: 0n, minGrade: 0, epoch: 1_000 };
  return signVoucher(separator, { ...fair, service: of, ...change }, by, key);
}
