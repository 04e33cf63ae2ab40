import { costOf, type Use } from "../../cashier/price.ts";
import type { Quote } from "../../cashier/quote.ts";
import type { CollectorTab } from "../../cashier/tabs.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { Charge } from "./charge.ts";
import { encodeQuote, QuoteKind, type StateKind } from "./quoteFrame.ts";
import type { TabUser } from "./tabAccount.ts";
import { stateOf, unpaid } from "./telling.ts";
import type { Till } from "./till.ts";

export interface BillingParts {
  till: Till;
  /** The session. */
  user: TabUser;
  /** The session's use so far. */
  use(): Use;
  /** Milliseconds. */
  srtt(): number;
  /** Sends a QUOTE. */
  send(payload: Buffer): void;
  /** The tab has ended. */
  ended(tab: CollectorTab): void;
}

/** A session without a tab gets a new quote with its next flow after this time, milliseconds. */
const QUOTE_MS = 1_800_000;
/** A charge of this part of a tranche is told. */
const BILLED_PART = 2n;
/** A tranche that has changed by more than this part is told. */
const TOLD_PART = 8n;

/** The bill of a session: at which price its use is charged, to which tab, and what the client was told of it. */
export class Billing {
  readonly #parts: BillingParts;
  #quote: Quote;
  #quotedAt: number;
  #charge: Charge | undefined;
  #unlisten = () => {};
  #toldTranche = 0n;
  #toldCharged = 0n;

  constructor(parts: BillingParts) {
    this.#parts = parts;
    this.#quote = parts.till.collector.quote();
    this.#quotedAt = parts.till.clock.monotonic();
  }

  get quote(): Quote {
    return this.#quote;
  }

  /** Undefined: the session has no tab. */
  get charge(): Charge | undefined {
    return this.#charge;
  }

  get tab(): CollectorTab | undefined {
    return this.#charge?.account.tab;
  }

  /** Whether the quote's salt opens no tab any more. */
  get isOld(): boolean {
    return this.#parts.till.clock.monotonic() - this.#quotedAt > QUOTE_MS;
  }

  /** Charges what was used. */
  flush(): void {
    this.#charge?.flush(this.#parts.use());
  }

  /** Charges a tab from here on, in the place of the one before. */
  attach(tab: CollectorTab): void {
    const { till, user, use, ended } = this.#parts;
    this.leave();
    this.#charge = new Charge(till.join(tab, user), this.#quote, use());
    const unlisten = tab.onEnd(() => {
      ended(tab);
    });
    // The listener may have been called at once.
    if (this.tab === tab) this.#unlisten = unlisten;
  }

  leave(): void {
    this.flush();
    this.#unlisten();
    this.#unlisten = () => {};
    const { account } = this.#charge ?? {};
    this.#charge = undefined;
    if (account !== undefined) this.#parts.till.leave(account, this.#parts.user);
  }

  /**
   * A new quote: its price counts from here on.
   *
   * @param payer Of the tab that has ended, if it has.
   */
  requote(payer = this.tab?.payer): void {
    const { till, use } = this.#parts;
    this.flush();
    const { account } = this.#charge ?? {};
    this.#quote = till.collector.quote(payer);
    this.#quotedAt = till.clock.monotonic();
    if (account !== undefined) this.#charge = new Charge(account, this.#quote, use());
  }

  /** A session begins to be served. */
  begins(): void {
    this.#charge?.account.begins(this.#charge.quote);
  }

  /** A voucher was credited; `before` was paid until then. */
  credited(before: bigint): void {
    if (this.#charge === undefined) return;
    const { account, quote } = this.#charge;
    const { maxTrancheBytes: bytes } = this.#parts.till.limits;
    const largest = costOf(quote.price, { bytes, requests: 0, milliseconds: 0 });
    account.credited(before, quote, largest, this.#parts.srtt());
  }

  /** Tells what the service costs. */
  offer(hasEnded: boolean): void {
    const { use, send } = this.#parts;
    send(encodeQuote({ kind: QuoteKind.offer, quote: this.#quote, use: use(), hasEnded }));
  }

  /** Tells how a tab stands. */
  tell(kind: StateKind, tab = this.tab): void {
    const { till, use, send } = this.#parts;
    const tranche = this.#charge?.tranche ?? 0n;
    this.#toldTranche = tranche;
    this.#toldCharged = tab?.charged ?? 0n;
    send(stateOf(kind, tab, { use: use(), tranche, graceMs: till.limits.graceMs }));
  }

  /** Tells a tranche that has changed. */
  tellTranche(): void {
    const { tranche = 0n } = this.#charge ?? {};
    const difference = tranche - this.#toldTranche;
    const size = difference < 0n ? -difference : difference;
    if (TOLD_PART * size > tranche) this.tell(QuoteKind.served);
  }

  /**
   * Tells what is charged, before a tranche is full. The client pays no more than a window above it, and it counts no
   * requests within a flow and not this side's time.
   */
  tellServed(): void {
    if (this.#charge === undefined) return;
    const { account, tranche } = this.#charge;
    if (BILLED_PART * (account.tab.charged - this.#toldCharged) >= tranche) {
      this.tell(QuoteKind.served);
    }
  }

  /** Tells the rest when all flows are over: the client waits for it before it closes. */
  tellRest(): void {
    const { tab } = this;
    if (tab === undefined) return;
    if (tab.charged > tab.paid || tab.charged !== this.#toldCharged) this.tell(QuoteKind.bill);
  }

  /** Why flows end whose payment cannot be accepted. */
  refused({ code, message }: BlockcloudError): BlockcloudError {
    return this.unpaid(`the payment was refused (${code}): ${message}`);
  }

  /** @param why By default what is due. */
  unpaid(why?: string): BlockcloudError {
    return unpaid(this.#quote, this.tab, why);
  }
}
