import type { Price } from "../../../cashier/price.ts";
import { encodeTabState, type TabPayment } from "../../../cashier/tabPayment.ts";
import type { CollectorTab } from "../../../cashier/tabs.ts";
import { GatewayProblem } from "../problem.ts";
import type { Reservations } from "./reservations.ts";
import { UNANSWERED, type PaymentKey, type PaymentStore, type StoredAnswer } from "./store.ts";
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
  /** Of the offer. */
  readonly price: Price;
  /** The part of the vouchers that is kept for this request. */
  readonly reserved: bigint;
  readonly isAnswered: boolean;
  done(): void;
}

export interface TabTicketDependencies {
  store: PaymentStore;
  reservations: Reservations;
  network: string;
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
  #reserved: bigint;
  /** Bytes are charged as they pass. */
  #isStreaming = false;
  #isSending = false;

  constructor(options: TabTicketOptions, dependencies: TabTicketDependencies) {
    this.isAnswered = options.isAnswered;
    this.#options = options;
    this.#parts = dependencies;
    this.#reserved = options.reserved;
  }

  /** It was charged when it was stored. */
  async again(digest: Uint8Array): Promise<StoredAnswer> {
    const { answer, digest: own } = this.#parts.store.find(this.#options.key) ?? {};
    if (answer === undefined) throw new GatewayProblem("ALREADY_SERVED");
    if (own === undefined || !Buffer.from(digest).equals(own)) {
      throw await this.#parts.failed("another_request");
    }
    return { ...answer, headers: [...answer.headers, ...this.#fields()] };
  }

  async settle(answer: AnswerHead): Promise<readonly string[]> {
    const { key, price } = this.#options;
    const { store, failed } = this.#parts;
    const { status, headers, body, length } = answer;
    if (status >= 500) {
      await this.#giveUp();
      return [];
    }
    if (length === undefined && !answer.isMetered && price.perByte > 0n) {
      await this.#giveUp();
      throw await failed("length_unknown");
    }
    const cost = priceOf(price, length ?? 0);
    if (!this.#reserve(cost)) {
      await this.#giveUp();
      throw await failed("voucher_low", { length, due: cost });
    }
    const digest = await answer.digest();
    // On disk first: a crash in between costs the collector one request, never the payer two.
    const isKept = body !== undefined && store.hasRoom(body.length);
    const isFirst = await store.update(
      key,
      {
        ...{ digest, settlement: "paid" },
        ...(isKept && { run: "answered", answer: { status, headers, body } }),
      },
      UNANSWERED,
    );
    // Another gateway has served the same header meanwhile.
    if (!isFirst) throw pending();
    if (body !== undefined) {
      if (!isKept) await this.sending();
      this.#charge(cost);
      this.#release();
    } else {
      this.#isStreaming = true;
      this.#charge(priceOf(price, 0));
    }
    return this.#fields();
  }

  async sending(): Promise<void> {
    const isFirst = await this.#parts.store.update(this.#options.key, { run: "sent" }, UNANSWERED);
    if (!isFirst) throw new GatewayProblem("ALREADY_SERVED");
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
    const { key, asked, done } = this.#options;
    this.#release();
    if (!this.#isSending || sent || !isSafe(asked)) {
      done();
      return;
    }
    // The client left before the first byte: the same header runs again.
    void this.#parts.store.update(key, { run: "idle" }).finally(done);
  }

  /** Charges an amount that is reserved. */
  #charge(amount: bigint): void {
    const { tab } = this.#options;
    if (tab === undefined) return;
    tab.charge(amount);
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

  /** Nothing is charged: the credit stays for the next request. */
  async #giveUp(): Promise<void> {
    this.#release();
    if (isSafe(this.#options.asked)) await this.#parts.store.remove(this.#options.key);
  }

  #fields(): readonly string[] {
    const { tab, payment } = this.#options;
    const { payer } = payment.voucher.voucher;
    const state =
      tab &&
      encodeTabState({ tab: tab.tab, charged: tab.charged, cumulative: tab.paid, last: undefined });
    return responseField({
      ...{ success: true, payer, transaction: "", network: this.#parts.network },
      ...(state && { extra: state }),
    });
  }
}
