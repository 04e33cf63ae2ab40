import type { Hex } from "viem";
import type { Quote } from "../../cashier/quote.ts";
import type { PayerTab } from "../../cashier/tabs.ts";
import { redemptionOf, type CompactVoucher } from "./fields.ts";
import { checkWindow, PaidTab } from "./paidTab.ts";
import type { Payer } from "./payer.ts";
import { PayKind, type PayFrame } from "./payFrame.ts";
import type { StateFrame } from "./quoteFrame.ts";
import { NO_USE } from "./useCount.ts";

export interface TabOfferParts {
  payer: Payer;
  serviceId: Hex;
  send(frame: PayFrame): void;
  /** The newest quote; undefined if the session is over. */
  quote(): Quote | undefined;
}

/** How often the tab's signer proves itself in a session. */
const MAX_PROOFS = 4;

/** The tab that a client has offered to a provider, and the proof that the client is its signer. */
export class TabOffer {
  readonly #parts: TabOfferParts;
  #tab: PayerTab | undefined;
  #quote: Quote | undefined;
  #proofs = 0;

  constructor(parts: TabOfferParts) {
    this.#parts = parts;
  }

  /** The tab with this ID and its quote, if it was offered. */
  find(id: Hex): { tab: PayerTab; quote: Quote } | undefined {
    const [tab, quote] = [this.#tab, this.#quote];
    return tab?.tab === id && quote !== undefined ? { tab, quote } : undefined;
  }

  /**
   * Offers a tab of the wallet.
   *
   * @throws BlockcloudError of the wallet; `CASHIER_CAP`.
   */
  async open(quote: Quote): Promise<void> {
    const { payer, send } = this.#parts;
    const tab = await payer.wallet.tabFor(quote, { minGrade: payer.minGrade });
    if (this.#parts.quote() !== quote) return;
    checkWindow(tab, quote);
    this.#tab = tab;
    this.#quote = quote;
    const ledger = payer.ledger(tab);
    // A new tab has no newest voucher.
    if (tab.cumulative === 0n) tab.owed ??= 0n;
    const voucher = ledger.isKnown ? await this.#proof(tab, quote) : undefined;
    const { authorization, signature, salt } = tab;
    send({ kind: PayKind.open, opening: { authorization, signature, salt }, voucher });
  }

  /** The provider wants a voucher above the newest one that it knows. */
  async prove({ tab: id, charged, last }: StateFrame): Promise<void> {
    const { tab, quote } = this.find(id) ?? {};
    if (tab === undefined || quote === undefined) return;
    this.#proofs += 1;
    if (this.#proofs > MAX_PROOFS) return;
    if (last !== undefined) {
      const { payer, service } = tab.authorization;
      tab.recover(redemptionOf(last, { payer, service, tab: id, salt: tab.salt }));
    }
    this.#paidTab(tab, quote).balance(charged);
    const voucher = await this.#proof(tab, quote);
    this.#parts.send({ kind: PayKind.voucher, tab: id, voucher });
  }

  /**
   * Asks the wallet for a higher limit of a tab that the session pays, or for another tab.
   *
   * @param before The limit that the provider knows, BLOC in wei.
   * @returns Whether one was offered.
   */
  async raise(paid: PayerTab, before: bigint): Promise<boolean> {
    const quote = this.#parts.quote();
    if (quote === undefined) return false;
    const { payer, send } = this.#parts;
    const tab = await payer.wallet.tabFor(quote, { minGrade: payer.minGrade });
    if (tab.tab !== paid.tab) {
      await this.open(quote);
      return true;
    }
    const { authorization, signature, salt } = tab;
    if (authorization.limit <= before) return false;
    send({ kind: PayKind.open, opening: { authorization, signature, salt }, voucher: undefined });
    return true;
  }

  /** A voucher of 1 wei more shows that this is the tab's signer. */
  #proof(tab: PayerTab, quote: Quote): Promise<CompactVoucher> {
    return this.#paidTab(tab, quote).pay(1n);
  }

  #paidTab(tab: PayerTab, quote: Quote): PaidTab {
    const { payer, serviceId } = this.#parts;
    return new PaidTab(tab, quote, NO_USE, payer, serviceId);
  }
}
