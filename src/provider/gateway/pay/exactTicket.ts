import type { Hex } from "viem";
import type { PaymentResponse } from "../../../protocol/x402.ts";
import type { Logger } from "../../../node/logger.ts";
import { GatewayProblem } from "../problem.ts";
import type { ExactPayment } from "./facilitator.ts";
import { amountFor, type ExactAsset } from "./pricing.ts";
import type { Settler } from "./settler.ts";
import type { PaymentKey } from "./paymentKey.ts";
import { UNANSWERED, type PaymentStore, type StoredAnswer } from "./store.ts";
import {
  isSafe,
  pending,
  responseField,
  type AnswerHead,
  type Asked,
  type Refuser,
  type Ticket,
} from "./ticket.ts";

export interface ExactTicketOptions {
  readonly key: PaymentKey;
  readonly name: string;
  readonly payment: ExactPayment;
  readonly asked: Asked;
  readonly amount: bigint;
  /** The transaction that has paid; undefined if nothing has yet. */
  readonly transaction: Hex | undefined;
  readonly isAnswered: boolean;
  done(): void;
}

export interface ExactTicketDependencies {
  store: PaymentStore;
  settler: Settler;
  refuser: Refuser;
  /** Undefined if the operator has taken the token out of the offers since. */
  asset: ExactAsset | undefined;
  network: string;
  log: Logger;
  failed(reason: string): Promise<GatewayProblem>;
}

/** One request that is paid by one transfer. */
export class ExactTicket implements Ticket {
  readonly isAnswered: boolean;
  readonly #options: ExactTicketOptions;
  readonly #parts: ExactTicketDependencies;
  #transaction: Hex | undefined;
  #isSending = false;

  constructor(options: ExactTicketOptions, dependencies: ExactTicketDependencies) {
    this.isAnswered = options.isAnswered;
    this.#options = options;
    this.#parts = dependencies;
    this.#transaction = options.transaction;
  }

  async again(digest: Uint8Array): Promise<StoredAnswer> {
    const { key } = this.#options;
    const known = this.#parts.store.find(key);
    if (known?.answer === undefined) throw new GatewayProblem("ALREADY_SERVED");
    if (known.digest === undefined || !Buffer.from(digest).equals(known.digest)) {
      throw await this.#parts.failed("another_request");
    }
    await this.#pay();
    const { answer } = known;
    return { ...answer, headers: [...answer.headers, ...this.#fields()] };
  }

  async settle(answer: AnswerHead): Promise<readonly string[]> {
    const { key, asked, amount } = this.#options;
    const { store, refuser, asset } = this.#parts;
    const { status, headers, body, length } = answer;
    if (status >= 500) {
      if (this.#transaction === undefined) await this.#giveUp();
      // Paid before, by the chain's word: the same header may run again.
      return this.#transaction === undefined ? [] : this.#fields();
    }
    const isByByte = asset !== undefined && asset.perMegabyte > 0n;
    if (isByByte && (length === undefined || amountFor(asset, length) > amount)) {
      if (this.#transaction === undefined) await this.#giveUp();
      throw await refuser.refuse(
        asked,
        length === undefined ? "length_unknown" : "answer_costs_more",
        { length },
      );
    }
    const digest = await answer.digest();
    const isKept = body !== undefined && store.keeps(body.length);
    const isFirst = await store.update(
      key,
      {
        digest,
        ...(isKept && { answer: { status, headers, body }, run: "answered" }),
        ...(this.#transaction === undefined && { settlement: "given" }),
      },
      UNANSWERED,
    );
    // Another gateway has served the same header meanwhile.
    if (!isFirst) throw pending();
    await this.#pay();
    if (body !== undefined && !isKept) await this.sending();
    return this.#fields();
  }

  async sending(): Promise<void> {
    const isFirst = await this.#parts.store.update(this.#options.key, { run: "sent" }, UNANSWERED);
    if (!isFirst) throw new GatewayProblem("ALREADY_SERVED");
    this.#isSending = true;
  }

  pass(): boolean {
    return true;
  }

  end(sent: boolean): void {
    const { key, asked, done } = this.#options;
    if (!this.#isSending || sent || !isSafe(asked)) {
      done();
      return;
    }
    // The client left before the first byte: the same header runs again.
    const { store, log } = this.#parts;
    store
      .update(key, { run: "idle" })
      .catch((error: unknown) => {
        log.error("a paid request could not be stored", { error });
      })
      .finally(done);
  }

  /** Nothing was given to a facilitator in this process: the payment may come again as if for the first time. */
  async #giveUp(): Promise<void> {
    const { key, asked } = this.#options;
    const known = this.#parts.store.find(key);
    if (known?.settlement === "none" && isSafe(asked)) await this.#parts.store.remove(key);
  }

  /** @throws GatewayProblem if the payment has failed, or is not known to be settled. */
  async #pay(): Promise<void> {
    if (this.#transaction !== undefined) return;
    const { key, name, payment } = this.#options;
    const { store, settler, failed } = this.#parts;
    const found = await settler.settle(name, payment);
    switch (found.state) {
      case "used":
        await store.update(key, { settlement: "paid", transaction: found.transaction });
        this.#transaction = found.transaction;
        return;
      case "void":
        await store.update(key, { settlement: "void" });
        throw await failed(found.reason);
      case "unsent":
        // No other party has it: the same header may be tried again.
        await store.update(key, { settlement: "none" });
        throw await failed(found.reason);
      case "open":
        throw pending();
    }
  }

  #fields(): readonly string[] {
    const { payment, amount } = this.#options;
    const response: PaymentResponse = {
      ...{ success: true, payer: payment.payload.authorization.from, amount: String(amount) },
      ...{ transaction: this.#transaction ?? "", network: this.#parts.network },
    };
    return responseField(response);
  }
}
