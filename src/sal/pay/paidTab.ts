import type { Hex } from "viem";
import { cashierError } from "../../cashier/errors.ts";
import { costOf, type Price, type Use } from "../../cashier/price.ts";
import { trancheCost, WINDOW_TRANCHES, type Quote } from "../../cashier/quote.ts";
import type { PayerTab } from "../../cashier/tabs.ts";
import { compactVoucher, type CompactVoucher } from "./fields.ts";
import type { Ledger, Payer } from "./payer.ts";
import { useSince } from "./useCount.ts";

/** A tab that a session pays, at one price after another. Amounts are BLOC in wei. */
export class PaidTab {
  readonly tab: PayerTab;
  readonly ledger: Ledger;
  readonly #serviceId: Hex;
  readonly #payer: Payer;
  #quote: Quote;
  #from: Use;
  #counted = 0n;

  /** @param from The session's use before. */
  constructor(tab: PayerTab, quote: Quote, from: Use, payer: Payer, serviceId: Hex) {
    this.tab = tab;
    this.ledger = payer.ledger(tab);
    this.#quote = quote;
    this.#from = from;
    this.#payer = payer;
    this.#serviceId = serviceId;
  }

  get price(): Price {
    return this.#quote.price;
  }

  /** The price changes; what was used before is counted. */
  requote(quote: Quote, from: Use): void {
    this.#quote = quote;
    this.#from = from;
    this.#counted = 0n;
  }

  /** Counts what the session has used. */
  count(use: Use): void {
    const cost = costOf(this.#quote.price, useSince(use, this.#from));
    if (cost <= this.#counted) return;
    this.ledger.unpaid += cost - this.#counted;
    this.#counted = cost;
  }

  /**
   * Takes over what the collector says of the tab, as far as it is in this side's favour. After a crash this side does
   * not know what it owes: then it believes two least tranches or, if that is more, what it has paid, because no window
   * is larger. A wallet that was closed in order knows it, so that a provider gains nothing by a false count after each
   * start.
   */
  balance(charged: bigint): void {
    const { ledger } = this;
    ledger.served = charged;
    const told = charged - this.tab.cumulative;
    if (ledger.isKnown) {
      ledger.unpaid = least(ledger.unpaid, told);
      return;
    }
    ledger.unpaid = least(told, this.#most);
  }

  /** The provider says what it has served. */
  told(charged: bigint): void {
    this.ledger.served = charged;
  }

  /**
   * What may be paid now: what this side has counted, and no more than a window above what the provider says to have
   * served. So of what this side has sent to a provider that vanishes, no more than a window is paid.
   *
   * @param tranche As {@link tranche} gives it.
   */
  due(tranche: bigint): bigint {
    const { served, unpaid } = this.ledger;
    return least(unpaid, served + WINDOW_TRANCHES * tranche - this.tab.cumulative);
  }

  /** The tranche, as the provider told it and within its bounds, BLOC in wei. */
  tranche(told: bigint): bigint {
    const smallest = trancheCost(this.#quote);
    const most = this.#most / WINDOW_TRANCHES;
    return told < smallest ? smallest : least(told, most);
  }

  /** The largest window: two least tranches or, if that is more, what the tab has paid. */
  get #most(): bigint {
    const window = WINDOW_TRANCHES * trancheCost(this.#quote);
    const { cumulative } = this.tab;
    return window > cumulative ? window : cumulative;
  }

  /** Signs a voucher for an amount more; it counts as paid at once. */
  async pay(amount: bigint): Promise<CompactVoucher> {
    const { tab, ledger } = this;
    ledger.unpaid -= amount;
    // Both in one turn: another session may pay the same tab.
    const signing = tab.pay(tab.cumulative + amount);
    try {
      const redemption = await signing;
      const { cumulative } = redemption.voucher;
      const serviceId = this.#serviceId;
      this.#payer.observer.spent?.({ serviceId, tab: tab.tab, amount, cumulative });
      return compactVoucher(redemption);
    } catch (error) {
      ledger.unpaid += amount;
      throw error;
    }
  }
}

/**
 * Checks that a tab can pay what may be used before its payer notices.
 *
 * @throws BlockcloudError `CASHIER_CAP`.
 */
export function checkWindow(tab: PayerTab, quote: Quote): void {
  const window = WINDOW_TRANCHES * trancheCost(quote);
  if (tab.left >= window) return;
  throw cashierError(
    "cap",
    `Two tranches of the service cost ${window} wei, and ${tab.left} are left to pay.`,
  );
}

/** Whether a part of a price is higher than before. */
export function isDearer(price: Price, before: Price): boolean {
  return (
    price.perByte > before.perByte ||
    price.perRequest > before.perRequest ||
    price.perSecond > before.perSecond
  );
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
