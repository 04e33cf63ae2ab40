import type { Address, Hex } from "viem";
import type { Redemption, TabAuthorization } from "../protocol/voucher.ts";
import type { Quote } from "./quote.ts";

/** What a payer sends to open a tab, to raise it, or to move its `openBy`. */
export interface TabOpening {
  authorization: TabAuthorization;
  /** By the payer's key, a session key, or the payer's contract. */
  signature: Hex;
  salt: Hex;
}

/** The collector's side, for the code that serves. Class `Collector` implements it. */
export interface TabCollector {
  /**
   * What the collector asks now, with a salt for a new tab.
   *
   * @param payer The payer, if it is known: the salt is then unused for it.
   */
  quote(payer?: Address): Quote;
  /**
   * Takes a tab, and verifies everything that opening it on chain will check. Resolves when it is on disk. A known
   * tab is returned, raised if the authorization raises it.
   *
   * @throws BlockcloudError `CASHIER_AUTHORIZATION`, `CASHIER_FUNDS`, `CASHIER_TAB_ENDED`, `CASHIER_TAB_CLOSING`,
   * `CASHIER_BUSY`, `CASHIER_CHAIN`.
   */
  open(opening: TabOpening): Promise<CollectorTab>;
  /** A tab that was opened here. */
  find(payer: Address, tab: Hex): CollectorTab | undefined;
}

/** A tab at its collector. Amounts are BLOC in wei and cumulative for the tab. */
export interface CollectorTab {
  readonly tab: Hex;
  readonly payer: Address;
  readonly signer: Address;
  readonly salt: Hex;
  readonly limit: bigint;
  /** Last second of serving, Unix seconds. */
  readonly expiresAt: number;
  /** What the collector counts as due. */
  readonly charged: bigint;
  /** What vouchers on disk cover. */
  readonly paid: bigint;
  /** The newest voucher, which a payer gets back that has lost it. */
  readonly last: Redemption | undefined;
  /**
   * Vouchers up to this amount are public, because they were sent to the chain: a client that shows one of them may be
   * a stranger.
   */
  readonly revealed: bigint;
  /** Marks a voucher as public: it is about to be shown to someone who has not proven to be the payer. */
  reveal(redemption: Redemption): void;
  /**
   * Counts an amount as due: at once in memory, and on disk with the next group commit. After a crash it may be less,
   * in favour of the payer.
   *
   * @param tranche What may be lost, if that is more than the least tranche, BLOC in wei.
   */
  charge(amount: bigint, by?: ChargeKind, tranche?: bigint): void;
  /**
   * Takes a voucher. It is verified at once; the promise resolves when it is on disk. One that is not above `paid`
   * is no error and changes nothing, because messages may arrive twice and in any order; but its signature is verified,
   * too, because a voucher shows who may use the tab's credit. Past the limit of what may be
   * unsecured, the promise waits until the tab is open on chain.
   *
   * @throws BlockcloudError `CASHIER_VOUCHER`, `CASHIER_BASE`, `CASHIER_GRADE`, `CASHIER_TAB_ENDED`.
   */
  credit(redemption: Redemption): Promise<void>;
  /**
   * Calls back once when the tab ends, with the reason: `CASHIER_TAB_ENDED`, `CASHIER_TAB_CLOSING`, or why it could not
   * be opened on chain; at once if it has ended.
   *
   * @returns Takes the listener away.
   */
  onEnd(listener: (error: Error) => void): () => void;
  /** What another process was promised for requests of HTTP, and has not charged yet. */
  readonly promised?: bigint | undefined;
  /** Only if another process keeps the books: what this one may charge. */
  readonly share?: TabShare | undefined;
}

/** Sessions are paid in arrears, within a window; requests of HTTP within what was paid ahead. */
export type ChargeKind = "session" | "request";

/** What a process may charge to a tab whose books another process keeps. BLOC in wei. */
export interface TabShare {
  /** What it may still charge of each kind; no other process can use it meanwhile. */
  readonly session: bigint;
  readonly request: bigint;
  /** Asks for more for sessions; asked again while that is under way, it does nothing. */
  want(amount: bigint): void;
  /** Gives the rest back: nothing is charged in this way any more. */
  done(by: ChargeKind): void;
}

/** The payer's side, for the code that uses a service. Class `Wallet` implements it. */
export interface TabPayer {
  readonly payer: Address;
  /**
   * An open tab for a service and collector, or a new one with its authorization, which is on disk then.
   *
   * @param options.minGrade The least grade for which the payer pays; default 0, for any.
   * @throws BlockcloudError `CASHIER_QUOTE`, `CASHIER_CAP`, `CASHIER_FUNDS`, `CASHIER_CHAIN`.
   */
  tabFor(quote: Quote, options?: { minGrade?: number }): Promise<PayerTab>;
}

/** A tab at its payer. Amounts are BLOC in wei and cumulative for the tab. */
export interface PayerTab {
  readonly tab: Hex;
  readonly service: Hex;
  readonly salt: Hex;
  readonly authorization: TabAuthorization;
  readonly signature: Hex;
  /** Of the newest voucher that may have been sent. */
  readonly cumulative: bigint;
  /** What can still be paid, by the tab's limit and the caps. */
  readonly left: bigint;
  /**
   * The unpaid use, as the tab's user counts it; negative for a credit. Undefined after a crash: then
   * only the collector knows. A wallet that is closed in order keeps it for the next process.
   */
  owed: bigint | undefined;
  /**
   * A voucher for at least an amount, in the current epoch. It is on disk before the promise resolves, in strides
   * ahead. A later voucher is never below an earlier one.
   *
   * @param upTo What is due in all, `charged` of the collector.
   * @throws BlockcloudError `CASHIER_CAP` if a cap or the limit does not allow it; `CASHIER_TAB_ENDED` after `end`.
   */
  pay(upTo: bigint): Promise<Redemption>;
  /**
   * Takes the collector's newest voucher, after this side or the other one has lost the newest: after a crash of this
   * side, and after `CASHIER_BASE`. It counts only if our own key signed it.
   *
   * @param last Undefined if the collector has none.
   * @throws BlockcloudError `CASHIER_VOUCHER` if it is not one of this tab.
   */
  recover(last: Redemption | undefined): void;
  /** Gives the tab up: the collector has said that it ended. The next `tabFor` authorizes another one. */
  end(): void;
}
