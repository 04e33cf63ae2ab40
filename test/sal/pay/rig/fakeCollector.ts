import { getAddress, pad, toHex, type Address, type Hex } from "viem";
import { cashierError } from "../../../../src/cashier/errors.ts";
import type { Price } from "../../../../src/cashier/price.ts";
import type { Quote } from "../../../../src/cashier/quote.ts";
import type { CollectorTab, TabCollector, TabOpening } from "../../../../src/cashier/tabs.ts";
import { addressOfKey } from "../../../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  tabOf,
  voucherSigner,
  type Redemption,
} from "../../../../src/protocol/voucher.ts";
import { SERVICE } from "../../rig/salRig.ts";

export const CASHIER: Address = getAddress(`0x${"ca".repeat(20)}`);
export const COLLECTOR = addressOfKey(Buffer.alloc(32, 21));
const SEPARATOR = cashierSeparator(cashierDomain(1n, CASHIER));

/** A tab whose vouchers are checked by their signature only: no chain, no disk. */
export class FakeCollectorTab implements CollectorTab {
  readonly tab: Hex;
  readonly payer: Address;
  readonly signer: Address;
  readonly salt: Hex;
  limit: bigint;
  readonly expiresAt: number;
  charged = 0n;
  paid = 0n;
  revealed = 0n;
  last: Redemption | undefined;
  /** Whether vouchers are kept: a provider may lie. */
  credits = true;
  /** Vouchers that were verified. */
  verified = 0;
  /** Holds up crediting: a slow disk, or a tab that must be opened on chain first. */
  gate: Promise<unknown> = Promise.resolve();
  readonly #listeners = new Set<(error: Error) => void>();

  constructor({ authorization, salt }: TabOpening) {
    this.tab = authorization.tab;
    this.payer = authorization.payer;
    this.signer = authorization.signer;
    this.limit = authorization.limit;
    this.expiresAt = authorization.expiresAt;
    this.salt = salt;
  }

  reveal({ voucher }: Redemption): void {
    if (voucher.cumulative > this.revealed) this.revealed = voucher.cumulative;
  }

  charge(amount: bigint): void {
    this.charged += amount;
  }

  async credit(redemption: Redemption): Promise<void> {
    this.verified += 1;
    const { cumulative } = redemption.voucher;
    if (voucherSigner(SEPARATOR, redemption) !== this.signer || cumulative > this.limit) {
      throw cashierError("voucher", `The voucher of tab ${this.tab} is not its signer's.`);
    }
    await this.gate;
    if (!this.credits || cumulative <= this.paid) return;
    this.paid = cumulative;
    this.last = redemption;
  }

  onEnd(listener: (error: Error) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(): void {
    for (const listener of [...this.#listeners]) listener(cashierError("ended", "It is over."));
  }
}

/** A collector of tabs in memory. */
export class FakeCollector implements TabCollector {
  price: Price;
  trancheBytes: number;
  leastLimit = 100_000_000n;
  readonly tabs = new Map<Hex, FakeCollectorTab>();
  /** Payers whose accounts are empty. */
  readonly empty = new Set<Address>();
  opened = 0;
  #salts = 0;

  constructor(price: Price, trancheBytes: number) {
    this.price = price;
    this.trancheBytes = trancheBytes;
  }

  get tab(): FakeCollectorTab {
    const [tab] = this.tabs.values();
    if (tab === undefined) throw new Error("no tab");
    return tab;
  }

  quote(): Quote {
    this.#salts += 1;
    return {
      ...{ chainId: 1, cashier: CASHIER, service: SERVICE, collector: COLLECTOR },
      salt: pad(toHex(this.#salts)),
      ...{ price: { ...this.price }, leastLimit: this.leastLimit },
      ...{ highestGrade: 0, gradedCap: 0n, trancheBytes: this.trancheBytes },
    };
  }

  open(opening: TabOpening): Promise<CollectorTab> {
    const { payer, tab, limit } = opening.authorization;
    this.opened += 1;
    if (tab !== tabOf(COLLECTOR, opening.salt)) {
      return Promise.reject(cashierError("authorization", `Tab ${tab} is not of this collector.`));
    }
    if (this.empty.has(payer)) {
      return Promise.reject(cashierError("funds", `The account of ${payer} is empty.`));
    }
    const known = this.tabs.get(tab) ?? new FakeCollectorTab(opening);
    if (limit > known.limit) known.limit = limit;
    this.tabs.set(tab, known);
    return Promise.resolve(known);
  }

  find(_payer: Address, tab: Hex): CollectorTab | undefined {
    return this.tabs.get(tab);
  }
}
