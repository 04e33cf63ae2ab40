import type { Hex } from "viem";
import type { Price } from "../../cashier/price.ts";
import type { TabPayer } from "../../cashier/tabs.ts";

/** What a program sees of the payments of its flows. */
export interface SpendingObserver {
  /** A service asks for payment. */
  quoted?(quote: { serviceId: Hex; price: Price }): void;
  /** A voucher was sent. Amounts are BLOC in wei: of this payment, and of the tab so far. */
  spent?(payment: { serviceId: Hex; tab: Hex; amount: bigint; cumulative: bigint }): void;
}

export interface PayerOptions {
  /** Has the caps. */
  wallet: TabPayer;
  /** The least grade for which is paid; default 0, for any. */
  minGrade?: number | undefined;
  observer?: SpendingObserver | undefined;
}

/** What the sessions of one tab have used and not paid, as this side counts it. Amounts are BLOC in wei. */
export interface Ledger {
  /** Negative: a credit. */
  unpaid: bigint;
  /** Whether this process knows all use of the tab since its newest voucher. After a start it does not. */
  isKnown: boolean;
  readonly sessions: Set<object>;
}

/** Pays for the flows of a client: the wallet, and what the sessions that share a tab owe. */
export class Payer {
  readonly wallet: TabPayer;
  readonly minGrade: number;
  readonly observer: SpendingObserver;
  readonly #ledgers = new Map<Hex, Ledger>();

  constructor({ wallet, minGrade = 0, observer = {} }: PayerOptions) {
    this.wallet = wallet;
    this.minGrade = minGrade;
    this.observer = observer;
  }

  ledger(tab: Hex): Ledger {
    const known = this.#ledgers.get(tab);
    if (known !== undefined) return known;
    const ledger = { unpaid: 0n, isKnown: false, sessions: new Set<object>() };
    this.#ledgers.set(tab, ledger);
    return ledger;
  }
}
