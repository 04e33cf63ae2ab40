import type { Address, Hex } from "viem";
import { cashierError } from "../../../../src/cashier/errors.ts";
import type { Quote } from "../../../../src/cashier/quote.ts";
import type { PayerTab, TabPayer } from "../../../../src/cashier/tabs.ts";
import { addressOfKey } from "../../../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  signTab,
  signVoucher,
  tabOf,
  type Redemption,
  type TabAuthorization,
} from "../../../../src/protocol/voucher.ts";
import { CASHIER } from "./fakeCollector.ts";

export const PAYER_KEY = Buffer.alloc(32, 31);
const SEPARATOR = cashierSeparator(cashierDomain(1n, CASHIER));

/** A tab in memory. A crash lets it forget its newest voucher, as a wallet that writes ahead does. */
export class FakePayerTab implements PayerTab {
  readonly tab: Hex;
  readonly service: Hex;
  readonly salt: Hex;
  authorization: TabAuthorization;
  signature: Hex;
  cumulative = 0n;
  owed: bigint | undefined;
  recovered: bigint | undefined;
  /** Whether the process before has crashed: `cumulative` is how far it may have signed. */
  isUnsure = false;
  hasEnded = false;
  readonly #wallet: FakeWallet;

  constructor(quote: Quote, wallet: FakeWallet) {
    const { service, collector, salt } = quote;
    this.#wallet = wallet;
    this.tab = tabOf(collector, salt);
    this.service = service;
    this.salt = salt;
    const signer = addressOfKey(wallet.key);
    const limit = wallet.limit;
    const times = { openBy: 2_000_000_000, expiresAt: 2_000_000_000 };
    this.authorization = { payer: signer, service, tab: this.tab, signer, limit, ...times };
    this.signature = signTab(SEPARATOR, this.authorization, wallet.key);
  }

  get left(): bigint {
    const byLimit = this.authorization.limit - this.cumulative;
    const byCap = this.#wallet.cap - this.cumulative;
    return byLimit < byCap ? byLimit : byCap;
  }

  raise(limit: bigint): void {
    this.authorization = { ...this.authorization, limit };
    this.signature = signTab(SEPARATOR, this.authorization, this.#wallet.key);
  }

  pay(upTo: bigint): Promise<Redemption> {
    if (upTo > this.#wallet.cap || upTo > this.authorization.limit) {
      return Promise.reject(cashierError("cap", `${upTo} wei are above the cap.`));
    }
    if (upTo > this.cumulative) this.cumulative = upTo;
    const { payer, service, tab } = this.authorization;
    const { cumulative } = this;
    const voucher = { payer, service, tab, cumulative, base: 0n, minGrade: 0, epoch: 5 };
    const signed = signVoucher(SEPARATOR, voucher, this.salt, this.#wallet.key);
    return this.#wallet.pays.then(() => signed);
  }

  recover(last: Redemption): void {
    const { cumulative } = last.voucher;
    this.recovered = cumulative;
    if (this.isUnsure || cumulative > this.cumulative) this.cumulative = cumulative;
    this.isUnsure = false;
  }

  end(): void {
    this.hasEnded = true;
  }
}

/** A wallet in memory. */
export class FakeWallet implements TabPayer {
  readonly key: Uint8Array;
  readonly payer: Address;
  readonly tabs: FakePayerTab[] = [];
  limit = 1_000_000_000n;
  cap = 10n ** 18n;
  /** What a tab is raised to when less than a quarter of the least limit is left; undefined: it is not. */
  raisesTo: bigint | undefined;
  /** Holds up signatures, as a slow disk does. */
  pays: Promise<unknown> = Promise.resolve();
  quotes: Quote[] = [];

  constructor(key: Uint8Array = PAYER_KEY) {
    this.key = key;
    this.payer = addressOfKey(key);
  }

  get tab(): FakePayerTab {
    const tab = this.tabs.at(-1);
    if (tab === undefined) throw new Error("no tab");
    return tab;
  }

  tabFor(quote: Quote): Promise<PayerTab> {
    this.quotes.push(quote);
    const known = this.tabs.find(({ hasEnded, service }) => !hasEnded && service === quote.service);
    if (known !== undefined) {
      if (this.raisesTo !== undefined && known.left < quote.leastLimit / 4n) {
        known.raise(this.raisesTo);
      }
      return Promise.resolve(known);
    }
    const tab = new FakePayerTab(quote, this);
    this.tabs.push(tab);
    return Promise.resolve(tab);
  }
}
