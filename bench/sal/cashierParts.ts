import { zeroAddress } from "viem";
import type { CollectorChain } from "../../src/cashier/collector/chain.ts";
import { Collector } from "../../src/cashier/collector/collector.ts";
import { CollectorStore } from "../../src/cashier/collector/store.ts";
import { WalletStore } from "../../src/cashier/payer/store.ts";
import { Wallet, type PayerChain } from "../../src/cashier/payer/wallet.ts";
import { parsePrice, type Price } from "../../src/cashier/price.ts";
import type { Deployment } from "../../src/chain/deployment.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemScheduler as clock } from "../../src/node/scheduler.ts";
import { systemTimers as timers, wallSeconds } from "../../src/node/timers.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { cashierDomain } from "../../src/protocol/voucher.ts";

/** A price that is lower than any real one, so that the wallet lasts. */
const PRICE = parsePrice("0.000001/MB");
const BLOC = 10n ** 18n;
const contracts = {
  token: `0x${"a".repeat(40)}`,
  cashier: `0x${"c".repeat(40)}`,
  settlement: `0x${"5".repeat(40)}`,
};
export const deployment = { chainId: 31_337, confirmations: 1, contracts } as Deployment;
const timing = { genesis: 0, epochSeconds: 3_600 };
const time = { timing, now: wallSeconds };
const log = silentLogger;
/** A chain that has all BLOC and no tab: no chain is involved in what is measured. */
const chain: CollectorChain & PayerChain = {
  accountOf: () => Promise.resolve({ free: BLOC, reserved: 0n, balance: BLOC }),
  signerOf: () => Promise.resolve({ left: 0n, expiresAt: 0 }),
  tabOf: () =>
    Promise.resolve({
      ...{ state: "None" as const, signer: zeroAddress, limit: 0n, redeemed: 0n, passed: 0n },
      ...{ endsAt: 0, redeemableUntil: 0 },
    }),
  gradeOf: () => Promise.resolve(undefined),
  verdictOf: () => Promise.resolve(undefined),
  earnedOf: () => Promise.resolve(0n),
  openingRefusal: () => Promise.resolve(undefined),
};

/** A collector with its store on disk. It sends no transaction: all may be unsecured. */
export function createCollector(file: string, price: Price = PRICE): Collector {
  const sender = {
    address: addressOfKey(new Uint8Array(32).fill(9)),
    gasPrice: () => Promise.resolve(1n),
    send: () => Promise.reject(new Error("The benchmark has no chain.")),
  };
  return new Collector(
    { number: 7n, price, leastLimit: BLOC / 4n, exposure: { payer: BLOC, total: BLOC } },
    { deployment, store: new CollectorStore(file), chain, sender, time, timers, clock, log },
  );
}

/** A wallet with its store on disk. */
export function createWallet(file: string): Wallet {
  const domain = cashierDomain(31_337n, deployment.contracts.cashier);
  const key = new Uint8Array(32).fill(7);
  const options = { domain, key, tabLimit: BLOC / 4n };
  return new Wallet(options, { store: new WalletStore(file), chain, time, log });
}
