import type { Address, Hex } from "viem";
import type { TabView } from "../../chain/cashier/cashier.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { Redemption } from "../../protocol/voucher.ts";
import { cashierError } from "../errors.ts";
import type { ChargeKind, CollectorTab, TabOpening } from "../tabs.ts";
import type { CollectorObserver } from "./observer.ts";
import type { StoredTab, TabChange } from "./store.ts";
import {
  checkSigner,
  checkVoucher,
  isSameVoucher,
  neededBeside,
  type EpochWindow,
} from "./voucherRules.ts";

/** What a tab needs of its collector. */
export interface TabHost {
  readonly separator: Uint8Array;
  epochs(): EpochWindow;
  /** @throws BlockcloudError `CASHIER_GRADE` if the voucher's grade is not taken now. */
  admit(tab: CollectedTab, item: Redemption): void;
  /** Called after every change of what is at risk. */
  changed(tab: CollectedTab): void;
  /** Resolves when no more than the exposure limit is unsecured. */
  secure(tab: CollectedTab): Promise<void>;
  /** What a tranche costs, BLOC in wei. */
  readonly tranche: bigint;
  readonly observer: CollectorObserver;
  /** A voucher was refused. */
  refused(error: unknown): void;
  /** Writes at some time. */
  later(tab: CollectedTab): void;
  /** Writes with the next commit, which is due at once. */
  soon(tab: CollectedTab): void;
  /** Resolves when the tab is on disk. */
  now(tab: CollectedTab): Promise<void>;
}

/** A tab at its collector. Amounts are BLOC in wei. */
export class CollectedTab implements CollectorTab {
  readonly #host: TabHost;
  #opening: TabOpening;
  #charged: bigint;
  /** `charged` on disk. */
  #written: bigint;
  #paid: bigint;
  #vouchers: readonly Redemption[];
  /** On chain, when it was last read. */
  #view: TabView | undefined;
  #end: BlockcloudError | undefined;
  #revealed: bigint;
  #isForgotten = false;
  #onDisk: ReadonlySet<Redemption>;
  readonly #listeners = new Set<(error: Error) => void>();
  /** When its state on chain was last read, monotonic milliseconds; for turns. */
  lookedAt = -1;

  constructor(stored: StoredTab, host: TabHost) {
    this.#host = host;
    this.#opening = stored.opening;
    this.#charged = stored.charged;
    this.#written = stored.charged;
    this.#vouchers = stored.vouchers;
    this.#onDisk = new Set(stored.vouchers);
    this.#paid = this.best;
    // The process before may have sent any of them to the chain.
    this.#revealed = this.best;
  }

  get opening(): TabOpening {
    return this.#opening;
  }

  get tab(): Hex {
    return this.#opening.authorization.tab;
  }

  get payer(): Address {
    return this.#opening.authorization.payer;
  }

  get service(): Hex {
    return this.#opening.authorization.service;
  }

  get signer(): Address {
    return this.#opening.authorization.signer;
  }

  get salt(): Hex {
    return this.#opening.salt;
  }

  get limit(): bigint {
    return this.#opening.authorization.limit;
  }

  get expiresAt(): number {
    return this.#opening.authorization.expiresAt;
  }

  get charged(): bigint {
    return this.#charged;
  }

  get paid(): bigint {
    return this.#paid;
  }

  get last(): Redemption | undefined {
    return this.#vouchers.at(-1);
  }

  /** The amount of the newest voucher, which may not be on disk yet. */
  get best(): bigint {
    const newest = this.last?.voucher.cumulative ?? 0n;
    return newest > this.redeemed ? newest : this.redeemed;
  }

  /** Vouchers to be redeemed, and the newest one in any case; by epoch. */
  get vouchers(): readonly Redemption[] {
    return this.#vouchers;
  }

  get view(): TabView | undefined {
    return this.#view;
  }

  get redeemed(): bigint {
    return this.#view?.redeemed ?? 0n;
  }

  get revealed(): bigint {
    return this.redeemed > this.#revealed ? this.redeemed : this.#revealed;
  }

  reveal({ voucher }: Redemption): void {
    if (voucher.cumulative > this.#revealed) this.#revealed = voucher.cumulative;
  }

  /** Up to here the chain secures vouchers. */
  get secured(): bigint {
    const state = this.#view?.state;
    return state === "Open" || state === "Closing" ? (this.#view?.limit ?? 0n) : this.redeemed;
  }

  /** The part of the vouchers that a withdrawal of the payer would void. */
  get atRisk(): bigint {
    return this.best > this.secured ? this.best - this.secured : 0n;
  }

  /** Whether its payer has neither used nor paid it, and the chain does not know it. */
  get isUnused(): boolean {
    const isOnChain = this.#view !== undefined && this.#view.state !== "None";
    return this.#charged === 0n && this.best === 0n && !isOnChain;
  }

  get ended(): BlockcloudError | undefined {
    return this.#end;
  }

  charge(amount: bigint, _by?: ChargeKind, tranche = 0n): void {
    if (amount < 0n) throw new RangeError(`A charge of ${amount} wei.`);
    this.#charged += amount;
    this.#host.observer.charged?.(amount);
    // A crash must not cost more than a tranche, and what is served during a commit.
    const least = this.#host.tranche;
    const most = tranche > least ? tranche : least;
    if (this.#charged - this.#written < most) this.#host.later(this);
    else this.#host.soon(this);
  }

  async credit(item: Redemption): Promise<void> {
    try {
      await this.#credit(item);
    } catch (error) {
      this.#host.refused(error);
      throw error;
    }
  }

  onEnd(listener: (error: Error) => void): () => void {
    if (this.#end !== undefined) {
      listener(this.#end);
      return () => undefined;
    }
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Ends serving. Vouchers are taken as long as the chain pays them. */
  end(error: BlockcloudError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener(error);
  }

  /** Ends the tab for ever: its collector forgets it. */
  forget(): void {
    this.#isForgotten = true;
    this.#vouchers = [];
    this.end(cashierError("ended", `Tab ${this.tab} is over.`));
    this.#host.changed(this);
  }

  /** Takes a later authorization of the payer; a tab that had ended for want of one serves again. */
  authorize(opening: TabOpening): void {
    this.#opening = opening;
    this.#end = undefined;
    this.#host.changed(this);
  }

  /** Falls back to what the chain has: a raise was not submitted in time, or cannot be. */
  confine({ limit, endsAt }: TabView): void {
    const authorization = { ...this.#opening.authorization, limit, expiresAt: endsAt };
    this.#opening = { ...this.#opening, authorization };
    this.#host.later(this);
    this.#host.changed(this);
  }

  /** Whether the authorization is above what the chain has of an open tab. */
  get isRaised(): boolean {
    const view = this.#view;
    return view?.state === "Open" && (this.limit > view.limit || this.expiresAt > view.endsAt);
  }

  /** Takes what the chain says. Vouchers up to what is redeemed are not needed any more, except the newest. */
  see(view: TabView): void {
    this.#view = view;
    const { redeemed } = view;
    // A store from a backup: more was redeemed than it knows.
    if (redeemed > this.#paid) this.#paid = redeemed;
    const newest = this.last;
    const needed = this.#vouchers.filter(
      (held) => held === newest || held.voucher.cumulative > redeemed,
    );
    if (needed.length < this.#vouchers.length) {
      this.#vouchers = needed;
      this.#host.later(this);
    }
    if (view.state === "Closed") this.end(cashierError("ended", `Tab ${this.tab} is closed.`));
    if (view.state === "Closing") {
      this.end(cashierError("closing", `The payer closes tab ${this.tab}.`));
    }
    this.#host.changed(this);
  }

  /** Gives up vouchers that can never be redeemed. */
  forgo(lost: ReadonlySet<Redemption>): void {
    const newest = this.last;
    this.#vouchers = this.#vouchers.filter((held) => held === newest || !lost.has(held));
    this.#host.later(this);
  }

  /** Changes that are not on disk. */
  toStore(): TabChange {
    const vouchers = this.#vouchers;
    const epochs = new Set(vouchers.map(({ voucher }) => voucher.epoch));
    return {
      opening: this.#opening,
      charged: this.#charged,
      vouchers,
      added: vouchers.filter((held) => !this.#onDisk.has(held)),
      gone: [...this.#onDisk]
        .map(({ voucher }) => voucher.epoch)
        .filter((each) => !epochs.has(each)),
    };
  }

  /** What {@link toStore} gave is on disk. */
  written({ charged, vouchers }: TabChange): void {
    this.#written = charged;
    this.#onDisk = new Set(vouchers);
  }

  async #credit(item: Redemption): Promise<void> {
    const { cumulative } = item.voucher;
    if (cumulative > this.best) this.#take(item);
    else this.#checkSigner(item);
    if (cumulative <= this.#paid) return;
    await this.#host.secure(this);
    await this.#host.now(this);
    if (cumulative <= this.#paid) return;
    this.#host.observer.credited?.(cumulative - this.#paid);
    this.#paid = cumulative;
  }

  /** Of a voucher that is not taken: nothing else of it counts. */
  #checkSigner(item: Redemption): void {
    const held = this.last;
    if (held !== undefined && isSameVoucher(held, item)) return;
    checkSigner(this.#host.separator, this, item);
  }

  #take(item: Redemption): void {
    if (this.#isForgotten || this.#view?.state === "Closed") {
      throw cashierError("ended", `Tab ${this.tab} is over: nothing can be paid on it.`);
    }
    const newest = this.last?.voucher;
    checkVoucher(this.#host.separator, this, newest, item, this.#host.epochs());
    this.#host.admit(this, item);
    this.#vouchers = [...neededBeside(this.#vouchers, item), item];
    this.#host.changed(this);
  }
}
