import { trancheCost, WINDOW_TRANCHES, type Quote } from "../../cashier/quote.ts";
import type { CollectorTab, TabShare } from "../../cashier/tabs.ts";

/** What a session has been allowed to use of a tab and has not charged yet. */
export interface TabUser {
  /** BLOC in wei. */
  readonly granted: bigint;
  /** The tab may have room again, or its tranche has changed. */
  credited(): void;
}

/** A payment says something of the rate if it is at least this part of a tranche. */
const SAMPLE_PART = 2n;
/** A tranche is what was paid in this time, and in two round trips, milliseconds. */
const TRANCHE_MS = 250;
/** A client can feign a long round trip; it counts up to here, milliseconds. */
const MAX_SRTT_MS = 1_000;

/**
 * A tab at its provider, with the sessions that charge it. Its window is two tranches: what is charged, and what the
 * sessions may use without asking, is never above what is paid by more.
 *
 * A tranche follows the rate that was PAID, and at most doubles with a payment. The window is never above two least
 * tranches or, if that is more, what the tab has paid. So a client cannot make it grow without paying as much.
 */
export class TabAccount {
  readonly tab: CollectorTab;
  readonly users = new Set<TabUser>();
  readonly #now: () => number;
  /** What the payer paid in the time of a tranche, BLOC in wei; 0: not known. */
  #measured = 0n;
  #paidAt: number;

  /** @param now Monotonic milliseconds. */
  constructor(tab: CollectorTab, now: () => number) {
    this.tab = tab;
    this.#now = now;
    this.#paidAt = now();
  }

  /** The tranche at a price, BLOC in wei. */
  tranche(quote: Quote): bigint {
    const least = trancheCost(quote);
    const most = this.tab.paid / WINDOW_TRANCHES;
    const tranche = this.#measured < most ? this.#measured : most;
    return tranche > least ? tranche : least;
  }

  /** What a session may use before the window or the tab is full, BLOC in wei; may be negative. */
  room(user: TabUser, quote: Quote): bigint {
    const { charged, paid, limit, share } = this.tab;
    if (share !== undefined) return this.#roomOf(share, user, quote);
    const inWindow = WINDOW_TRANCHES * this.tranche(quote) - (charged - paid);
    const inTab = limit - charged;
    let room = inWindow < inTab ? inWindow : inTab;
    for (const other of this.users) if (other !== user) room -= other.granted;
    return room;
  }

  /** Another process keeps the books, and the window: this one has a share of it. */
  #roomOf(share: TabShare, user: TabUser, quote: Quote): bigint {
    let room = share.session;
    for (const other of this.users) if (other !== user) room -= other.granted;
    const tranche = this.tranche(quote);
    // Before it is used up, so that nobody waits for the other process.
    if (2n * (room - user.granted) < tranche) share.want(tranche);
    return room;
  }

  /** A session begins to use the tab: a time in which little was used says nothing of the rate. */
  begins(quote: Quote): void {
    const { charged, paid } = this.tab;
    if (charged - paid < trancheCost(quote)) this.#paidAt = this.#now();
  }

  /**
   * A voucher was credited.
   *
   * @param before What was paid before it, BLOC in wei.
   * @param largest The largest tranche at the session's price, BLOC in wei.
   * @param srtt Of the session, milliseconds.
   */
  credited(before: bigint, quote: Quote, largest: bigint, srtt: number): void {
    const { paid } = this.tab;
    if (paid <= before) return;
    const now = this.#now();
    const elapsed = Math.max(1, Math.ceil(now - this.#paidAt));
    const tranche = this.tranche(quote);
    const amount = paid - before;
    this.#paidAt = now;
    if (SAMPLE_PART * amount >= tranche) {
      const span = TRANCHE_MS + 2 * Math.min(srtt, MAX_SRTT_MS);
      // Rounded down: a smaller tranche is the safe one for the provider.
      const rate = (amount * BigInt(Math.floor(span))) / BigInt(elapsed);
      this.#measured = [rate, 2n * tranche, largest].reduce((a, b) => (a < b ? a : b));
    }
    for (const user of [...this.users]) user.credited();
  }
}
