import { createHash } from "node:crypto";
import type { Address } from "viem";
import { cashierErrors } from "../../../cashier/errors.ts";
import type { Price } from "../../../cashier/price.ts";
import type { Quote } from "../../../cashier/quote.ts";
import {
  decodeTabOffer,
  decodeTabPayment,
  encodeTabOffer,
  encodeTabState,
  type TabPayment,
  type TabState,
} from "../../../cashier/tabPayment.ts";
import type { CollectorTab, TabCollector } from "../../../cashier/tabs.ts";
import { RateLimit } from "../../../node/rateLimit.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { tabOf } from "../../../protocol/voucher.ts";
import {
  TAB_SCHEME,
  type PaymentPayload,
  type PaymentRequirements,
  type PaymentResponse,
} from "../../../protocol/x402.ts";
import { GatewayProblem } from "../problem.ts";
import type { SchemeDependencies } from "./parts.ts";
import { priceOf } from "./tabPrice.ts";
import { Reservations } from "./reservations.ts";
import { nameOf, type PaymentKey } from "./paymentKey.ts";
import type { NewPayment } from "./store.ts";
import { TabTicket } from "./tabTicket.ts";
import { askedText, full, isSafe, pending, type Asked, type Ticket } from "./ticket.ts";

/** How long a request ID is kept after its offer has expired, seconds: until then its header may come again. */
const KEEP_S = 60;
/** Answers of a payer that cost nothing, where only bytes have a price: HEAD, for example. */
const UNCHARGED = { perSecond: 20, burst: 200, maxPeers: 10_000 };

export interface TabOptions {
  network: string;
  /** BLOC. */
  asset: Address;
  maxTimeoutSeconds: number;
}

export interface TabDependencies extends SchemeDependencies {
  collector: TabCollector;
  /** Monotonic milliseconds. */
  monotonic(): number;
}

/** Payments of the scheme `blockcloud-tab`: vouchers of a tab that all requests and flows of a payer share. */
export class TabPayments {
  readonly #options: TabOptions;
  readonly #parts: TabDependencies;
  readonly #reservations = new Reservations();
  readonly #running = new Set<string>();
  readonly #uncharged: RateLimit;

  constructor(options: TabOptions, dependencies: TabDependencies) {
    this.#options = options;
    this.#parts = dependencies;
    this.#uncharged = new RateLimit(UNCHARGED, dependencies.monotonic);
  }

  /** Tabs with requests in progress. */
  get reserved(): Reservations {
    return this.#reservations;
  }

  /**
   * The offer for an answer.
   *
   * @param bytes What a voucher must cover ahead; what is charged is the answer's own length.
   * @param state The payer's tab, if it is known.
   */
  offer(bytes: number, state?: Record<string, unknown>): PaymentRequirements {
    const { network, asset, maxTimeoutSeconds } = this.#options;
    const quote = this.#parts.collector.quote();
    const tab = tabOf(quote.collector, quote.salt);
    const fresh: TabState = { tab, charged: 0n, cumulative: 0n, last: undefined };
    return {
      ...{ scheme: TAB_SCHEME, network, amount: String(priceOf(quote.price, bytes)), asset },
      ...{ payTo: quote.collector, maxTimeoutSeconds },
      extra: { ...encodeTabOffer(quote, fresh), ...state },
    };
  }

  /**
   * Checks a payment, takes its voucher, and reserves its price.
   *
   * @throws GatewayProblem; BlockcloudError `CASHIER_MESSAGE`.
   */
  async admit(
    { accepted, payload }: PaymentPayload,
    header: string,
    asked: Asked,
  ): Promise<Ticket> {
    const payment = decodeTabPayment(payload);
    const { payer, tab } = payment.voucher.voucher;
    const key = { asset: tab, payer: payer.toLowerCase(), nonce: payment.requestId };
    const name = nameOf(key);
    if (this.#running.has(name)) throw pending();
    this.#running.add(name);
    const done = () => this.#running.delete(name);
    try {
      return await this.#admit({ key, payment, accepted, asked, done }, header);
    } catch (error) {
      done();
      throw error;
    }
  }

  async #admit(admission: Admission, headerText: string): Promise<Ticket> {
    const { key, payment, accepted, asked } = admission;
    const { store, offers, refuser, collector, now } = this.#parts;
    const header = createHash("sha256").update(headerText).digest();
    const known = store.find(key);
    const isSame =
      known !== undefined && header.equals(known.header) && known.asked === askedText(asked);
    // A payee's services share a store, not their offers.
    const isOurs = known === undefined || offers.check(accepted, asked) !== "foreign";
    if (!isOurs || (known !== undefined && !isSame))
      throw await this.#failed(admission, "request_known");
    if (known?.run === "sent" || known?.run === "begun") throw new GatewayProblem("ALREADY_SERVED");
    const { payer, tab: id } = payment.voucher.voucher;
    if (known?.run === "answered") {
      const tab = collector.find(payer, id);
      const none = { row: undefined, price: NO_PRICE, reserved: 0n, isCharged: true };
      return this.#ticket(admission, { ...none, tab, isAnswered: true });
    }
    const offer = offers.check(accepted, asked);
    if (typeof offer === "string") throw await refuser.refuse(asked, `offer_${offer}`);
    if (known === undefined && !store.hasRoom(key.payer, now())) throw full();
    const { quote } = decodeTabOffer(accepted.extra);
    const retryAfterMs = quote.price.perRequest === 0n ? this.#uncharged.peek(key.payer) : 0;
    if (retryAfterMs > 0) throw new GatewayProblem("PAYMENTS_EXCEEDED", { retryAfterMs });
    const tab = await this.#tabOf(admission, quote);
    const ahead = BigInt(accepted.amount);
    if (!this.#reservations.take(tab, ahead))
      throw await this.#failed(admission, "voucher_low", tab);
    const row: NewPayment = {
      ...{ key, header, asked: askedText(asked), settlement: "none", run: "begun", endsAt: 0 },
      keepUntil: offer.expiresAt + KEEP_S,
    };
    // A request with effects is on disk before it runs; one without is stored with its answer.
    if (known === undefined && !isSafe(asked)) {
      const refused = await store.add(row, now());
      if (refused !== undefined) {
        this.#reservations.giveBack(tab, ahead);
        if (refused === "known") throw pending();
        throw full();
      }
    }
    return this.#ticket(admission, {
      ...{ tab, row, price: quote.price, reserved: ahead, isAnswered: false },
      isCharged: known?.settlement === "paid",
    });
  }

  #ticket(
    admission: Admission,
    terms: {
      tab: CollectorTab | undefined;
      row: NewPayment | undefined;
      price: Price;
      reserved: bigint;
      isAnswered: boolean;
      isCharged: boolean;
    },
  ): Ticket {
    const { network } = this.#options;
    const { store, now, log } = this.#parts;
    return new TabTicket(
      { ...admission, ...terms },
      {
        ...{ store, now, log, reservations: this.#reservations, network },
        uncharged: () => this.#uncharged.take(admission.key.payer),
        failed: (reason, more) => this.#failed(admission, reason, terms.tab, more),
      },
    );
  }

  /** The tab with the payment's voucher taken; opened or raised if the payment says so. */
  async #tabOf(admission: Admission, quote: Quote): Promise<CollectorTab> {
    const { opening, voucher } = admission.payment;
    const { payer, tab: id, service } = voucher.voucher;
    const { collector, log } = this.#parts;
    if (service !== quote.service) throw await this.#failed(admission, "other_service");
    let tab = collector.find(payer, id);
    let isOwner = false;
    try {
      if (opening !== undefined) {
        // It asks the chain.
        this.#parts.limitNew(admission.asked);
        tab = await collector.open(opening);
      }
      if (tab?.tab !== id) throw await this.#failed(admission, "tab_unknown");
      await tab.credit(voucher);
      // A voucher on chain is public, and so is the tab's authorization: a stranger could spend the payer's credit.
      if (voucher.voucher.cumulative <= tab.revealed) {
        throw await this.#failed(admission, "voucher_public", publicPart(tab));
      }
      isOwner = true;
      // The payer's credit of a tab that serves no more is in vouchers that the chain still pays.
      const end = endOf(tab);
      if (end !== undefined) throw end;
      return tab;
    } catch (error) {
      if (!(error instanceof BlockcloudError) || error instanceof GatewayProblem) throw error;
      log.debug("a payment by tab is refused", { tab: id, error });
      if (error.retryable) throw pending();
      // It is refused after its signature was verified, and is above all others.
      const isProven = isOwner || error.code === cashierErrors.base;
      throw await this.#failed(admission, error.code.toLowerCase(), isProven ? tab : undefined);
    }
  }

  #failed(
    { asked, payment }: Admission,
    errorReason: string,
    tab?: ToldTab,
    { length, due }: { length?: number | undefined; due?: bigint } = {},
  ): Promise<GatewayProblem> {
    const state = tab && encodeTabState(stateOf(tab));
    const response: PaymentResponse = {
      ...{ success: false, errorReason, payer: payment.voucher.voucher.payer, transaction: "" },
      network: this.#options.network,
      ...(state && { extra: { ...state, ...(due !== undefined && { due: String(due) }) } }),
    };
    return this.#parts.refuser.refuse(asked, errorReason, {
      ...{ response, length },
      ...(state && { tab: state }),
    });
  }
}

interface Admission {
  readonly key: PaymentKey;
  readonly payment: TabPayment;
  readonly accepted: PaymentRequirements;
  readonly asked: Asked;
  done(): void;
}

const NO_PRICE: Price = { perByte: 0n, perRequest: 0n, perSecond: 0n };

/** What a payer is told of its tab. */
type ToldTab = Pick<CollectorTab, "tab" | "charged" | "paid" | "last">;

/**
 * What one is told that has shown public vouchers only: what is public, too. The newest voucher is the right to use the
 * payer's credit, and what the payer has used is its own affair.
 */
function publicPart({ tab, last, revealed }: CollectorTab): ToldTab {
  const isPublic = last !== undefined && last.voucher.cumulative <= revealed;
  return { tab, charged: 0n, paid: revealed, last: isPublic ? last : undefined };
}

/** Why a tab serves no more. */
function endOf(tab: CollectorTab): Error | undefined {
  let end: Error | undefined;
  const unlisten = tab.onEnd((error) => {
    end = error;
  });
  unlisten();
  return end;
}

/** The state of a tab, for its payer. */
function stateOf({ tab, charged, paid, last }: ToldTab): TabState {
  return { tab, charged, cumulative: paid, last };
}
