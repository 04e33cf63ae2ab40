import type { Price } from "../../../cashier/price.ts";
import { encodeTabState, type TabPayment } from "../../../cashier/tabPayment.ts";
import type { CollectorTab } from "../../../cashier/tabs.ts";
import type { Logger } from "../../../node/logger.ts";
import { GatewayProblem } from "../problem.ts";
import type { Reservations } from "./reservations.ts";
import type { PaymentKey } from "./paymentKey.ts";
import type { NewPayment, PaymentStore, StoredAnswer } from "./store.ts";
import { priceOf } from "./tabPrice.ts";
import {
  isSafe,
  pending,
  responseField,
  type AnswerHead,
  type Asked,
  type Ticket,
} from "./ticket.ts";

export interface TabTicketOptions {
  readonly key: PaymentKey;
  readonly payment: TabPayment;
  readonly asked: Asked;
  /** Undefined if the tab has ended since the answer was stored. */
  readonly tab: CollectorTab | undefined;
  /** The request as it is to be stored; a request with effects is already. */
  readonly row: NewPayment | undefined;
  /** Of the offer. */
  readonly price: Price;
  /** The part of the vouchers that is kept for this request. */
  readonly reserved: bigint;
  readonly isAnswered: boolean;
  /** Whether the request was charged before, and not a byte of its answer was sent. */
  readonly isCharged: boolean;
  done(): void;
}

export interface TabTicketDependencies {
  store: PaymentStore;
  reservations: Reservations;
  network: string;
  /** The chain's time, Unix seconds. */
  now(): number;
  log: Logger;
  /** The answer costs nothing: such ones are bounded. */
  uncharged(): void;
  failed(
    reason: string,
    more?: { length: number | undefined; due: bigint },
  ): Promise<GatewayProblem>;
}

/** One request that is charged to a tab: what its answer costs, once it is known that there is one. */
export class TabTicket implements Ticket {
  readonly isAnswered: boolean;
  readonly #options: TabTicketOptions;
  readonly #parts: TabTicketDependencies;
  /** The part of the cost that was charged before, BLOC in wei. */
  readonly #base: bigint;
  #reserved: bigint;
  /** Bytes are charged as they pass. */
  #isStreaming = false;
  #isSending = false;
  /** Settles when a kept answer is stored and charged. */
  #storing: Promise<boolean> | undefined;

  constructor(options: TabTicketOptions, dependencies: TabTicketDependencies) {
    this.isAnswered = options.isAnswered;
    this.#options = options;
    this.#parts = dependencies;
    this.#reserved = options.reserved;
    this.#base = options.isCharged ? priceOf(options.price, 0) : 0n;
  }

  /** It was charged when it was stored. */
  async again(digest: Uint8Array): Promise<StoredAnswer> {
    const { answer, digest: own } = this.#parts.store.find(this.#options.key) ?? {};
    if (answer === undefined) throw new GatewayProblem("ALREADY_SERVED");
    if (own === undefined || !Buffer.from(digest).equals(own)) {
      throw await this.#parts.failed("another_request");
    }
    return { ...answer, headers: [...answer.headers, ...this.#fields(0n)] };
  }

  async settle(answer: AnswerHead): Promise<readonly string[]> {
    const { price, asked } = this.#options;
    const { failed } = this.#parts;
    const { status, headers, body, length } = answer;
    // Nothing is charged: the credit stays for the next request.
    if (status >= 500) {
      this.#release();
      return [];
    }
    if (length === undefined && !answer.isMetered && price.perByte > 0n) {
      this.#release();
      throw await failed("length_unknown");
    }
    const cost = priceOf(price, length ?? 0) - this.#base;
    if (!this.#reserve(cost)) {
      this.#release();
      // A client that pays more and asks again must not cause an effect twice.
      const reason = isSafe(asked) ? "voucher_low" : "response_too_long";
      throw await failed(reason, { length, due: cost });
    }
    const digest = await answer.digest();
    if (body !== undefined) {
      if (cost === 0n) this.#parts.uncharged();
      const kept = { status, headers, body };
      this.#storing = this.#store({ digest, run: "answered", answer: kept }, cost);
      return this.#fields(cost);
    }
    const run = isSafe(asked) ? "idle" : "begun";
    const isOwn = await this.#store({ digest, run }, priceOf(price, 0) - this.#base);
    if (!isOwn) {
      this.#release();
      throw pending();
    }
    this.#isStreaming = true;
    return this.#fields(0n);
  }

  /**
   * Stores a request as paid, then charges it: a crash in between costs the collector one request, never the payer two.
   * The reservation covers it meanwhile, so a kept answer need not wait for the disk. A request whose ID another gateway
   * has stored meanwhile is not charged again.
   *
   * @returns Whether the request is this gateway's.
   */
  async #store(
    to: { digest: Uint8Array; run: "answered" | "idle" | "begun"; answer?: StoredAnswer },
    cost: bigint,
  ): Promise<boolean> {
    const { key, row, asked, isCharged } = this.#options;
    const { store, now, log } = this.#parts;
    try {
      if (row !== undefined && isSafe(asked) && !isCharged) {
        const refused = await store.add({ ...row, ...to, settlement: "paid" }, now());
        if (refused === "known") {
          this.#release();
          return false;
        }
      } else await store.update(key, { ...to, settlement: "paid" });
    } catch (error) {
      log.error("a paid request could not be stored", { error });
    }
    this.#charge(cost);
    if (to.answer !== undefined) this.#release();
    return true;
  }

  async sending(): Promise<void> {
    // A request that was charged and cannot be sent again.
    await this.#parts.store.update(this.#options.key, { run: "sent" });
    this.#isSending = true;
  }

  /** A body of unknown length goes on as far as the tab's vouchers reach. */
  pass(bytes: number): boolean {
    const { tab, price } = this.#options;
    if (!this.#isStreaming || price.perByte === 0n || tab === undefined) return true;
    const cost = price.perByte * BigInt(bytes);
    const isCovered = this.#reserved >= cost || this.#reserve(cost);
    if (isCovered) this.#charge(cost);
    return isCovered;
  }

  end(sent: boolean): void {
    void this.#end(sent);
  }

  async #end(sent: boolean): Promise<void> {
    const { key, asked, done } = this.#options;
    const { store, log } = this.#parts;
    await this.#storing;
    this.#release();
    // The client left before the first byte: the same header runs again.
    const isUnsent = this.#isSending && !sent && isSafe(asked);
    try {
      if (isUnsent) await store.update(key, { run: "idle" });
    } catch (error) {
      log.error("a paid request could not be stored", { error });
    }
    done();
  }

  /** Charges an amount that is reserved. */
  #charge(amount: bigint): void {
    const { tab } = this.#options;
    if (tab === undefined) return;
    tab.charge(amount, "request");
    const part = amount < this.#reserved ? amount : this.#reserved;
    this.#parts.reservations.giveBack(tab, part);
    this.#reserved -= part;
  }

  /** Changes the reservation to at least an amount; false if the vouchers do not cover it. */
  #reserve(amount: bigint): boolean {
    const { tab } = this.#options;
    if (amount <= this.#reserved) return true;
    if (tab === undefined) return false;
    if (!this.#parts.reservations.take(tab, amount - this.#reserved)) return false;
    this.#reserved = amount;
    return true;
  }

  #release(): void {
    const { tab } = this.#options;
    if (tab !== undefined) this.#parts.reservations.giveBack(tab, this.#reserved);
    this.#reserved = 0n;
  }

  /** @param owed What will be charged when it is stored, BLOC in wei. */
  #fields(owed: bigint): readonly string[] {
    const { tab, payment } = this.#options;
    const { payer } = payment.voucher.voucher;
    const state =
      tab &&
      encodeTabState({
        ...{ tab: tab.tab, charged: tab.charged + owed, cumulative: tab.paid, last: undefined },
      });
    return responseField({
      ...{ success: true, payer, transaction: "", network: this.#parts.network },
      ...(state && { extra: state }),
    });
  }
}
