import { costOf, type Use } from "../../cashier/price.ts";
import type { Quote } from "../../cashier/quote.ts";
import type { TabAccount, TabUser } from "./tabAccount.ts";
import { useSince } from "./useCount.ts";

/** A session asks its tab for this part of a tranche at once. */
const STRIDE_PART = 4n;

/** The part of a session's use that is charged to a tab, at one price. Amounts are BLOC in wei. */
export class Charge {
  readonly account: TabAccount;
  readonly quote: Quote;
  readonly #from: Use;
  #charged = 0n;

  /** @param from The session's use before. */
  constructor(account: TabAccount, quote: Quote, from: Use) {
    this.account = account;
    this.quote = quote;
    this.#from = from;
  }

  /** What a tranche costs now. */
  get tranche(): bigint {
    return this.account.tranche(this.quote);
  }

  /** Charges the session's use so far. */
  flush(use: Use): void {
    const uncharged = this.#uncharged(use);
    if (uncharged <= 0n) return;
    this.#charged += uncharged;
    this.account.tab.charge(uncharged, "session", this.tranche);
  }

  /** The use that is not charged, and what `bytes` cost that may still pass. */
  granted(use: Use, bytes: number): bigint {
    const { perByte } = this.quote.price;
    return this.#uncharged(use) + (perByte === 0n ? 0n : perByte * BigInt(bytes));
  }

  /** Whether an amount fits into the window, besides what was granted. */
  fits(user: TabUser, amount: bigint): boolean {
    return this.account.room(user, this.quote) - user.granted >= amount;
  }

  /** How many bytes may pass before this is asked again, after a {@link flush}: the needed ones, if there is room. */
  bytesFor(user: TabUser, needed: number): number {
    const room = this.account.room(user, this.quote);
    const { perByte } = this.quote.price;
    if (room <= 0n) return 0;
    if (perByte === 0n) return Number.MAX_SAFE_INTEGER;
    // Sessions of one tab share its room.
    const share = room / BigInt(Math.max(1, this.account.users.size));
    const stride = this.tranche / STRIDE_PART;
    const wanted = perByte * BigInt(needed);
    const step = share < stride ? share : stride;
    const most = step > wanted ? step : wanted;
    return Number((room < most ? room : most) / perByte);
  }

  #uncharged(use: Use): bigint {
    return costOf(this.quote.price, useSince(use, this.#from)) - this.#charged;
  }
}
