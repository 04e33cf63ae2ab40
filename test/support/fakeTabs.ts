import { randomBytes } from "node:crypto";
import { isAddressEqual, type Address, type Hex } from "viem";
import { cashierError } from "../../src/cashier/errors.ts";
import type { Price } from "../../src/cashier/price.ts";
import type { Quote } from "../../src/cashier/quote.ts";
import type {
  CollectorTab,
  PayerTab,
  TabCollector,
  TabOpening,
  TabPayer,
} from "../../src/cashier/tabs.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  signTab,
  signVoucher,
  tabOf,
  voucherSigner,
  type Redemption,
} from "../../src/protocol/voucher.ts";
import { DEPLOYMENT } from "./fakeChain.ts";

const { chainId, contracts } = DEPLOYMENT;
const separator = cashierSeparator(cashierDomain(BigInt(chainId), contracts.cashier));
const randomHex = (): Hex => `0x${randomBytes(32).toString("hex")}`;
/** The service that is paid. */
export const SERVICE_ID: Hex = `0x${"00".repeat(7)}07${"00".repeat(24)}`;
/** The collector's account. */
export const COLLECTOR: Address = `0x${"cc".repeat(20)}`;

/** A tab at its collector: it checks vouchers, and keeps its books in memory. */
export class FakeTab implements CollectorTab {
  readonly payer: Address;
  readonly tab: Hex;
  readonly signer: Address;
  readonly salt: Hex;
  readonly limit: bigint;
  readonly expiresAt: number;
  charged = 0n;
  paid = 0n;
  last: Redemption | undefined;
  revealed = 0n;
  /** Set, vouchers are refused with it. */
  end: Error | undefined;

  constructor({ authorization, salt }: TabOpening) {
    this.payer = authorization.payer;
    this.tab = authorization.tab;
    this.signer = authorization.signer;
    this.salt = salt;
    this.limit = authorization.limit;
    this.expiresAt = authorization.expiresAt;
  }

  reveal({ voucher }: Redemption): void {
    if (voucher.cumulative > this.revealed) this.revealed = voucher.cumulative;
  }

  charge(amount: bigint): void {
    this.charged += amount;
  }

  credit(redemption: Redemption): Promise<void> {
    if (this.end !== undefined) return Promise.reject(this.end);
    const signer = voucherSigner(separator, redemption);
    if (signer === undefined || !isAddressEqual(signer, this.signer)) {
      return Promise.reject(cashierError("voucher", "another signer"));
    }
    const { cumulative } = redemption.voucher;
    if (cumulative > this.paid) {
      this.paid = cumulative;
      this.last = redemption;
    }
    return Promise.resolve();
  }

  onEnd(): () => void {
    return () => {};
  }
}

/** A collector whose price a test sets. */
export class FakeCollector implements TabCollector {
  readonly tabs = new Map<Hex, FakeTab>();
  /** How many tabs were opened. */
  opened = 0;
  price: Price;

  constructor(price: Price) {
    this.price = price;
  }

  quote(): Quote {
    return {
      ...{ chainId, cashier: contracts.cashier, service: SERVICE_ID, collector: COLLECTOR },
      ...{ salt: randomHex(), price: this.price, leastLimit: 10n ** 18n },
      ...{ highestGrade: 0, gradedCap: 0n, trancheBytes: 1_048_576 },
    };
  }

  open(opening: TabOpening): Promise<FakeTab> {
    const known = this.tabs.get(opening.authorization.tab);
    if (known !== undefined && known.end === undefined) return Promise.resolve(known);
    const tab = new FakeTab(opening);
    if (tab.tab !== tabOf(COLLECTOR, opening.salt)) {
      return Promise.reject(cashierError("authorization", "another collector"));
    }
    this.opened += 1;
    this.tabs.set(tab.tab, tab);
    return Promise.resolve(tab);
  }

  find(_: Address, tab: Hex): FakeTab | undefined {
    return this.tabs.get(tab);
  }

  /** The only tab. */
  get tab(): FakeTab {
    const [tab] = this.tabs.values();
    if (tab === undefined) throw new Error("No tab was opened.");
    return tab;
  }
}

/** A wallet in memory. */
export class FakePayer implements TabPayer {
  readonly #key: Uint8Array;
  readonly payer: Address;
  /** Vouchers that were signed, by their amounts. */
  readonly signed: bigint[] = [];
  readonly #tabs = new Map<string, FakePayerTab>();

  constructor(key: Hex) {
    this.#key = hexToBytes(key);
    this.payer = addressOfKey(this.#key);
  }

  tabFor(quote: Quote): Promise<FakePayerTab> {
    const known = this.#tabs.get(quote.collector.toLowerCase());
    if (known !== undefined && !known.isOver) return Promise.resolve(known);
    const made = new FakePayerTab(quote, this.payer, this.#key, this.signed);
    this.#tabs.set(quote.collector.toLowerCase(), made);
    return Promise.resolve(made);
  }
}

export class FakePayerTab implements PayerTab {
  readonly tab: Hex;
  readonly service: Hex;
  readonly salt: Hex;
  readonly authorization: TabOpening["authorization"];
  readonly signature: Hex;
  readonly left = 10n ** 20n;
  cumulative = 0n;
  owed: bigint | undefined;
  isOver = false;
  /** What the collector has told. */
  readonly recovered: bigint[] = [];
  readonly #key: Uint8Array;
  readonly #signed: bigint[];

  constructor(quote: Quote, payer: Address, key: Uint8Array, signed: bigint[]) {
    const { collector, service, salt } = quote;
    this.tab = tabOf(collector, salt);
    this.service = service;
    this.salt = salt;
    this.authorization = {
      ...{ payer, service, tab: this.tab, signer: payer, limit: 10n ** 20n },
      ...{ openBy: 1_800_000_000, expiresAt: 1_801_000_000 },
    };
    this.signature = signTab(separator, this.authorization, key);
    this.#key = key;
    this.#signed = signed;
  }

  pay(upTo: bigint): Promise<Redemption> {
    if (upTo > this.cumulative) this.cumulative = upTo;
    this.#signed.push(this.cumulative);
    return Promise.resolve(this.voucher(this.cumulative));
  }

  voucher(cumulative: bigint): Redemption {
    const { payer, service, tab } = this.authorization;
    const voucher = { payer, service, tab, cumulative, base: 0n, minGrade: 0, epoch: 1 };
    return signVoucher(separator, voucher, this.salt, this.#key);
  }

  recover(last: Redemption | undefined): void {
    const { cumulative = 0n } = last?.voucher ?? {};
    if (cumulative > this.cumulative) this.cumulative = cumulative;
    this.recovered.push(cumulative);
  }

  end(): void {
    this.isOver = true;
  }
}
