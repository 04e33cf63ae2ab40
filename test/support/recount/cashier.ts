/** Payment for use: deposits, redemptions, collections and fees (docs/protocol.md, section 11). */
import type { Address, Hex } from "viem";
import type { Books } from "./books.ts";
import { shownError, type Call } from "./calls.ts";
import { numberOf, type Redemption, type TabTerms } from "./cashierHashes.ts";
import { CashierTabs } from "./cashierTabs.ts";
import { NOBODY } from "./figures.ts";
import type { Pool } from "./pool.ts";
import type { Registry } from "./registry.ts";
import type { Rounds } from "./rounds.ts";
import { FEE_PERCENT, LONGEST_BATCH } from "./terms.ts";
import { Vouchers } from "./vouchers.ts";

/** What a service has from redemptions. */
export interface Earnings {
  earned: bigint;
  collected: bigint;
}

export class Cashier {
  readonly tabs: CashierTabs;
  readonly vouchers: Vouchers;
  /** By service ID. */
  readonly earnings = new Map<Hex, Earnings>();
  fees = 0n;
  /** BLOC that was sent to the contract without a deposit: it belongs to no account. */
  unowned = 0n;
  readonly #books: Books;
  readonly #registry: Registry;
  readonly #pool: Pool;

  constructor(books: Books, parts: { registry: Registry; rounds: Rounds; pool: Pool }) {
    this.#books = books;
    this.#registry = parts.registry;
    this.#pool = parts.pool;
    this.tabs = new CashierTabs(books, parts.registry);
    this.vouchers = new Vouchers(books, this.tabs, parts);
  }

  /** Applies a call; false where the recount does not know it. */
  async apply(call: Call): Promise<boolean> {
    const known = this.#applyToAccounts(call) || (await this.#applyToTabs(call));
    if (known) this.#compareBooks();
    return known;
  }

  /** BLOC was transferred by a call of the token. */
  received(to: Address, amount: bigint): void {
    if (to === this.#books.contracts.cashier) this.unowned += amount;
  }

  /** Of what `collect` would divide, the fee: rounded up. */
  feeOf(earned: bigint): bigint {
    const fee = (earned * FEE_PERCENT) / 100n;
    return fee * 100n < earned * FEE_PERCENT ? fee + 1n : fee;
  }

  #applyToAccounts({ from, functionName, args }: Call): boolean {
    switch (functionName) {
      case "deposit":
      case "depositWithPermit":
        this.#deposit(from, from, args[0] as bigint);
        return true;
      case "depositFor":
        this.#deposit(args[0] as Address, from, args[1] as bigint);
        return true;
      case "depositWithAuthorization":
        this.#deposit(args[0] as Address, args[0] as Address, args[1] as bigint);
        return true;
      case "withdraw":
        this.#withdraw(from, args[0] as bigint);
        return true;
      case "collect":
        this.#collect(args[0] as Hex);
        return true;
      case "forwardFees":
        this.#forwardFees();
        return true;
      default:
        return false;
    }
  }

  async #applyToTabs({ from, functionName, args }: Call): Promise<boolean> {
    switch (functionName) {
      case "authorizeSigner":
        this.tabs.authorizeSigner(from, ...(args as [Address, bigint, number]));
        return true;
      case "revokeSigner":
        this.tabs.revokeSigner(from, args[0] as Address);
        return true;
      case "openTab":
        await this.tabs.open(from, ...(args as [TabTerms, Hex, Hex]));
        return true;
      case "announceClosing":
        this.tabs.announceClosing(from, ...(args as [Hex, Hex]));
        return true;
      case "closeAsCollector":
        this.tabs.closeAsCollector(from, ...(args as [Address, Hex, Hex]));
        return true;
      case "closeTab":
        this.tabs.closeTab(...(args as [Address, Hex, Hex]));
        return true;
      case "redeem":
        await this.#redeem(from, args[0] as Redemption);
        return true;
      case "openAndRedeem": {
        const [terms, signature, item] = args as [TabTerms, Hex, Redemption];
        await this.tabs.open(from, terms, item.salt, signature);
        await this.#redeem(from, item);
        return true;
      }
      case "redeemBatch":
        await this.#redeemBatch(from, args[0] as readonly Redemption[]);
        return true;
      default:
        return false;
    }
  }

  #deposit(payer: Address, from: Address, amount: bigint): void {
    this.#require("deposit: an amount for an account", amount > 0n && payer !== NOBODY, payer);
    this.#books.ledger.move(from, this.#books.contracts.cashier, amount);
    this.tabs.credit(payer, amount);
    this.#books.emit("cashier", "Deposited", { payer, from, amount });
  }

  #withdraw(payer: Address, amount: bigint): void {
    this.#require("withdraw: of free BLOC", amount <= this.tabs.freeOf(payer), payer);
    this.#books.ledger.move(this.#books.contracts.cashier, payer, amount);
    this.tabs.credit(payer, -amount);
    this.#books.emit("cashier", "Withdrawn", { payer, amount });
  }

  async #redeem(collector: Address, item: Redemption): Promise<void> {
    const refusal = await this.#pay(collector, item);
    const party = `tab ${item.voucher.tab}`;
    const about = { what: "redeem: payable", epoch: this.#books.now.epoch, party };
    this.#books.figures.check(about, refusal ?? "paid", "paid");
  }

  async #redeemBatch(collector: Address, items: readonly Redemption[]): Promise<void> {
    const isBatch = items.length > 0 && items.length <= LONGEST_BATCH;
    this.#require("redeemBatch: of a length that is allowed", isBatch, collector);
    for (const [index, item] of items.entries()) {
      const reason = await this.#pay(collector, item);
      if (reason === undefined) continue;
      const { tab } = item.voucher;
      this.#books.emit("cashier", "RedemptionSkipped", { index, tab, reason });
    }
  }

  /** Pays an item, or says the error that refuses it. */
  async #pay(collector: Address, item: Redemption): Promise<string | undefined> {
    const judged = await this.vouchers.judge(collector, item);
    if ("errorName" in judged) return shownError(judged);
    const { payer, service, tab, cumulative } = item.voucher;
    const { amount, passed } = judged;
    judged.tab.redeemed = cumulative;
    judged.tab.passed += passed;
    this.#of(service).earned += amount;
    this.#books.emit("cashier", "Redeemed", { payer, service, tab, cumulative, amount });
    return undefined;
  }

  #collect(service: Hex): void {
    const { ledger, contracts } = this.#books;
    const earnings = this.#of(service);
    const { earned } = earnings;
    this.#require("collect: something was earned", earned > 0n, service);
    const fee = this.feeOf(earned);
    const paid = earned - fee;
    const payout = this.#registry.payee(this.#registry.service(numberOf(service)!));
    earnings.earned = 0n;
    earnings.collected += earned;
    this.fees += fee;
    ledger.move(contracts.cashier, payout, paid);
    this.#books.emit("cashier", "Collected", { service, payout, paid, fee });
  }

  #forwardFees(): void {
    const { ledger, contracts } = this.#books;
    this.#require("forwardFees: there are some", this.fees > 0n, contracts.cashier);
    const contributed = this.fees / 2n;
    const burned = this.fees - contributed;
    this.fees = 0n;
    ledger.move(contracts.cashier, NOBODY, burned);
    if (contributed > 0n) this.#pool.contribute(contracts.cashier, contributed);
    this.#books.emit("cashier", "FeesForwarded", { burned, contributed });
  }

  /** The contract's BLOC is that of accounts, living tabs, services and fees. */
  #compareBooks(): void {
    const { ledger, contracts, now } = this.#books;
    const sum = (parts: Iterable<bigint>) => [...parts].reduce((all, part) => all + part, 0n);
    const living = this.tabs.all.filter(({ state }) => state !== "closed");
    const owned =
      sum(this.tabs.free.values()) +
      sum(living.map(({ limit, redeemed, passed }) => limit - redeemed + passed)) +
      sum([...this.earnings.values()].map(({ earned }) => earned)) +
      this.fees;
    const about = { what: "BLOC of the Cashier", epoch: now.epoch, party: contracts.cashier };
    this.#books.figures.check(about, owned + this.unowned, ledger.balanceOf(contracts.cashier));
  }

  #of(service: Hex): Earnings {
    const earnings = this.earnings.get(service) ?? { earned: 0n, collected: 0n };
    this.earnings.set(service, earnings);
    return earnings;
  }

  #require(what: string, holds: boolean, party: string): void {
    this.#books.require(what, holds, { epoch: this.#books.now.epoch, party });
  }
}
