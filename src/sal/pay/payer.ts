import type { Hex } from "viem";
import { cashierError } from "../../cashier/errors.ts";
import type { Price } from "../../cashier/price.ts";
import type { PayerTab, TabPayer } from "../../cashier/tabs.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

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

/** What the sessions of one tab have used and not paid, as this side counts it. */
export class Ledger {
  readonly sessions = new Set<object>();
  /** What the provider says to have served on the tab, BLOC in wei. */
  served = 0n;
  readonly #tab: PayerTab;

  constructor(tab: PayerTab) {
    this.#tab = tab;
  }

  /** BLOC in wei; negative for a credit. */
  get unpaid(): bigint {
    return this.#tab.owed ?? 0n;
  }

  set unpaid(amount: bigint) {
    this.#tab.owed = amount;
  }

  /** Whether this side knows all use of the tab since its newest voucher. After a crash it does not. */
  get isKnown(): boolean {
    return this.#tab.owed !== undefined;
  }
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

  ledger(tab: PayerTab): Ledger {
    const ledger = this.#ledgers.get(tab.tab) ?? new Ledger(tab);
    this.#ledgers.set(tab.tab, ledger);
    return ledger;
  }
}

/** What a wallet's failure means for the flows that it pays. */
export function walletError(error: unknown): BlockcloudError {
  if (error instanceof BlockcloudError) return error;
  return cashierError("wallet", "The wallet failed.", { cause: error });
}
