import type { Hex } from "viem";
import type { ChainTime } from "../../chain/clock.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { epochAt } from "../../protocol/epoch.ts";
import {
  signVoucher,
  voucherSigner,
  type Redemption,
  type TabAuthorization,
} from "../../protocol/voucher.ts";
import { cashierError } from "../errors.ts";
import type { PayerTab } from "../tabs.ts";
import { dayOf, type Spending } from "./spending.ts";
import type { StoredTab, WalletStore } from "./store.ts";

export interface WalletTabDependencies {
  store: WalletStore;
  spending: Spending;
  time: Pick<ChainTime, "now" | "timing">;
  separator: Uint8Array;
  /** The tab's signer's. */
  key: Uint8Array;
}

/**
 * A tab of a wallet. `ahead` on disk is never below a signed voucher, and counts as spent: a crash neither lets a
 * voucher fall below one that was sent, nor lets the sum exceed a cap.
 */
export class WalletTab implements PayerTab {
  readonly #d: WalletTabDependencies;
  #stored: StoredTab;
  #cumulative: bigint;
  /** After a crash vouchers up to here may have been sent, whatever the collector says of them. */
  readonly #floor: bigint;
  /** The day of the last stride. */
  #day: number;
  /** What a stride adds at least, BLOC in wei. */
  stride = 0n;
  /** When its state on chain was read, Unix seconds. */
  checkedAt = 0;
  /** Whether no voucher was signed since a crash: the newest one is then unknown, and at most `ahead`. */
  #isUnsure: boolean;
  /** What the collector has by its own word, after a recovery. */
  #recovered: bigint | undefined;
  #last: Redemption | undefined;
  #owed: bigint | undefined;

  constructor(stored: StoredTab, dependencies: WalletTabDependencies) {
    this.#d = dependencies;
    this.#stored = stored;
    this.#cumulative = stored.ahead;
    this.#isUnsure = !stored.isExact;
    this.#floor = stored.isExact ? 0n : stored.ahead;
    this.#day = dayOf(dependencies.time.now());
    this.#owed = stored.isExact ? stored.owed : undefined;
  }

  get stored(): Readonly<StoredTab> {
    return this.#stored;
  }

  get tab(): Hex {
    return this.#stored.authorization.tab;
  }

  get service(): Hex {
    return this.#stored.authorization.service;
  }

  get salt(): Hex {
    return this.#stored.salt;
  }

  get authorization(): TabAuthorization {
    return this.#stored.authorization;
  }

  get signature(): Hex {
    return this.#stored.signature;
  }

  get cumulative(): bigint {
    return this.#cumulative;
  }

  get owed(): bigint | undefined {
    return this.#owed;
  }

  set owed(amount: bigint | undefined) {
    // What the disk says holds no more, and is not there after a crash.
    if (this.#stored.owed !== undefined && amount !== this.#owed) this.#save({ owed: undefined });
    this.#owed = amount;
  }

  get left(): bigint {
    const { ahead, authorization } = this.#stored;
    const byLimit = authorization.limit - this.#cumulative;
    const cap = this.#d.spending.tightest(this.service, dayOf(this.#d.time.now()));
    const byCap = cap && ahead - this.#cumulative + cap.left;
    return byCap !== undefined && byCap < byLimit ? byCap : byLimit;
  }

  /** Replaces the authorization by one that raises the tab or moves its `openBy`; on disk at once. */
  authorize(authorization: TabAuthorization, signature: Hex): void {
    this.#save({ authorization, signature });
  }

  // Asynchronous by its interface: a wallet may also be a remote signer.
  // eslint-disable-next-line @typescript-eslint/require-await
  async pay(upTo: bigint): Promise<Redemption> {
    if (this.#stored.ended) throw cashierError("ended", `Tab ${this.tab} was given up.`);
    const target = upTo > this.#cumulative ? upTo : this.#cumulative;
    if (target <= 0n) throw cashierError("voucher", `There is nothing to pay on tab ${this.tab}.`);
    const isNew = target > this.#cumulative || this.#last === undefined;
    if (!isNew && this.#last !== undefined) return this.#last;
    const { base, epoch } = this.#span(target);
    this.#reach(target, { base, epoch });
    const { payer, service, tab } = this.authorization;
    const { minGrade, salt } = this.#stored;
    const voucher = { payer, service, tab, cumulative: target, base, minGrade, epoch };
    const signed = signVoucher(this.#d.separator, voucher, salt, this.#d.key);
    this.#cumulative = target;
    this.#isUnsure = false;
    this.#recovered = undefined;
    this.#last = signed;
    return signed;
  }

  recover(last: Redemption | undefined): void {
    if (last !== undefined) this.#checkOurs(last);
    const { cumulative, epoch, base } = last?.voucher ?? { cumulative: 0n, epoch: 0, base: 0n };
    // A store from a backup: it was signed, so it counts as spent, whatever the caps say.
    if (cumulative > this.#stored.ahead) this.#grow(cumulative, {});
    if (epoch > this.#stored.epoch) this.#save({ epoch, base });
    if (cumulative > this.#cumulative || this.#isUnsure) this.#cumulative = cumulative;
    this.#isUnsure = false;
    this.#recovered = cumulative;
    this.#last = undefined;
  }

  /** Takes what the chain says: more may have been redeemed than a store from a backup knows. */
  learn(redeemed: bigint): void {
    if (redeemed > this.#stored.ahead) this.#grow(redeemed, {});
    if (redeemed > this.#cumulative) this.#cumulative = redeemed;
  }

  end(): void {
    if (!this.#stored.ended) this.#settle({ ended: true });
  }

  /** Gives back what was counted ahead and not signed; only for a wallet that is closed in order. */
  close(): void {
    if (!this.#stored.ended) this.#settle({});
  }

  /** @throws BlockcloudError `CASHIER_VOUCHER`. */
  #checkOurs(item: Redemption): void {
    const { voucher } = item;
    const { payer, service, tab, signer } = this.authorization;
    const isOurs =
      voucher.payer === payer &&
      voucher.service === service &&
      voucher.tab === tab &&
      voucherSigner(this.#d.separator, item) === signer;
    if (isOurs) return;
    throw cashierError("voucher", `The collector's voucher is not one of tab ${tab}.`, {
      remedy: "Use another provider: this one shows vouchers that you did not sign.",
    });
  }

  /**
   * Epoch and base of the next voucher. Without a grade the base stays 0, so that one redemption pays any number of
   * epochs. With a grade it is what the collector had when the epoch began.
   */
  #span(target: bigint): { base: bigint; epoch: number } {
    const { time } = this.#d;
    const current = Math.max(epochAt(time.timing, time.now()), this.#stored.epoch);
    if (this.#stored.minGrade === 0) return { base: 0n, epoch: current };
    const { base, epoch } = this.#stored;
    const had = this.#recovered ?? this.#cumulative;
    // Nothing above what the collector has: the voucher of the earlier epoch once more.
    if (current > epoch && target > had) return { base: had, epoch: current };
    return { base: had < base ? had : base, epoch };
  }

  /** Lets vouchers reach an amount: writes ahead if it is not on disk. */
  #reach(target: bigint, change: { base: bigint; epoch: number }): void {
    const { ahead, authorization, base, epoch, minGrade } = this.#stored;
    const { limit, tab } = authorization;
    if (target > limit) {
      throw cashierError("cap", `${target} wei is above the limit of tab ${tab}, ${limit} wei.`, {
        remedy: "Ask for a tab again: it is raised then.",
      });
    }
    const isMoved = minGrade !== 0 && (base !== change.base || epoch !== change.epoch);
    if (target <= ahead) {
      if (isMoved || this.#stored.isExact) this.#save({ ...change, isExact: false });
      return;
    }
    const cap = this.#d.spending.tightest(this.service, dayOf(this.#d.time.now()));
    if (cap !== undefined && target - ahead > cap.left) throw capped(target - ahead, cap);
    let next = target + this.stride;
    if (next > limit) next = limit;
    if (cap !== undefined && next - ahead > cap.left) next = ahead + cap.left;
    this.#grow(next, change);
  }

  #grow(ahead: bigint, change: Partial<StoredTab>): void {
    const amount = ahead - this.#stored.ahead;
    const { service, tab } = this;
    this.#day = dayOf(this.#d.time.now());
    const payment = { service, tab, day: this.#day, amount };
    const stored = { ...this.#stored, ...change, ahead, isExact: false };
    this.#d.store.save(stored, payment);
    this.#stored = stored;
    this.#d.spending.add(payment);
  }

  /** Lowers `ahead` to what may have been sent. The part ahead belongs to the last stride, so to its day. */
  #settle(change: Partial<StoredTab>): void {
    const ahead = this.#cumulative > this.#floor ? this.#cumulative : this.#floor;
    const amount = ahead - this.#stored.ahead;
    const { service, tab } = this;
    const payment = { service, tab, day: this.#day, amount };
    const isExact = ahead === this.#cumulative;
    const stored = { ...this.#stored, ...change, ahead, isExact, owed: this.#owed };
    this.#d.store.save(stored, amount === 0n ? undefined : payment);
    this.#stored = stored;
    if (amount !== 0n) this.#d.spending.add(payment);
  }

  #save(change: Partial<StoredTab>): void {
    const stored = { ...this.#stored, ...change };
    this.#d.store.save(stored);
    this.#stored = stored;
  }
}

function capped(needed: bigint, cap: { name: string; cap: bigint; left: bigint }): BlockcloudError {
  return cashierError(
    "cap",
    `${needed} wei more are due, and ${cap.left} of the cap ${cap.name} (${cap.cap} wei) are left.`,
  );
}
