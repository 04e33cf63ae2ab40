import type { PaymentResponse } from "../../../protocol/x402.ts";
import { encodeField, PAYMENT_FIELDS } from "../../../protocol/x402.ts";
import type { Client } from "../../../net/proxies.ts";
import { GatewayProblem } from "../problem.ts";
import type { StoredAnswer } from "./store.ts";

/** Largest answer that is kept to be sent again, bytes; a larger one is paid before it is sent. */
export const KEPT_BYTES = 1_048_576;

/** A request that has a price. */
export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** The host that the client addressed. */
  readonly host: string | undefined;
  readonly client: Client;
  /** The content of `PAYMENT-SIGNATURE`. */
  readonly header: string | undefined;
  /** Whether it came over a flow of the SAL. */
  readonly overSal: boolean;
}

/** The upstream's answer, before any of it is sent. */
export interface AnswerHead {
  readonly status: number;
  /** The fields for the client, as a flat list; they are kept with the body. */
  readonly headers: readonly string[];
  /** Bytes of the body; undefined if it is known only at its end. */
  readonly length: number | undefined;
  /** The whole body, if it is short enough to be kept. */
  readonly body: Buffer | undefined;
  /** Whether `pass` is called for its bytes; not for a connection that is handed over. */
  readonly isMetered: boolean;
  /** SHA-256 of the request's body. */
  digest(): Promise<Uint8Array>;
}

/** The right of a request to be served: by a payment, or by the free allowance. */
export interface Ticket {
  /** Whether the answer was given before and is kept: it is sent again, and nothing runs. */
  readonly isAnswered: boolean;
  /**
   * The kept answer.
   *
   * @param digest SHA-256 of the request's body: it must be the same request.
   * @returns The answer, with the fields of its payment.
   * @throws GatewayProblem
   */
  again(digest: Uint8Array): Promise<StoredAnswer>;
  /**
   * Takes the payment for an answer.
   *
   * @returns Fields for its head, as a flat list.
   * @throws GatewayProblem if it is not paid; then nothing may be sent.
   */
  settle(answer: AnswerHead): Promise<readonly string[]>;
  /** The head of an answer that is not kept is about to be sent. */
  sending(): Promise<void>;
  /** Counts bytes of the body before they are sent; false if they are not paid for. */
  pass(bytes: number): boolean;
  /**
   * The exchange is over.
   *
   * @param sent Whether the head of an answer was sent.
   */
  end(sent: boolean): void;
}

/** Makes the answer 402 with fresh offers. */
export interface Refuser {
  /**
   * @param error Why, for `error` of the offer.
   * @param about What is known by now: the answer's length, the failed payment, its tab.
   */
  refuse(asked: Asked, error: string, about?: Refusal): Promise<GatewayProblem>;
}

/** A payment that failed. */
export interface Refusal {
  /** Bytes of the answer that the offers must cover. */
  length?: number | undefined;
  /** The failed payment. */
  response?: PaymentResponse;
  /** State of the payer's tab, for the offer. */
  tab?: Record<string, unknown>;
}

/** When a client asks again for a pending payment, milliseconds. */
const RETRY_MS = 2_000;

/** Safe methods, which may run again (RFC 9110, 9.2.1). */
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Whether a request has no effects, so that it may run again. */
export function isSafe({ method }: Pick<Asked, "method">): boolean {
  return SAFE.has(method);
}

/** Method and target: two requests with other ones are different requests. */
export function askedText({ method, target }: Pick<Asked, "method" | "target">): string {
  return `${method} ${target}`;
}

/** The field of a payment's result, as a flat list. */
export function responseField(response: PaymentResponse): readonly string[] {
  return [PAYMENT_FIELDS.response, encodeField(response)];
}

/** The payment may still be settled: its client asks again with the same header. */
export function pending(): GatewayProblem {
  return new GatewayProblem("PAYMENT_PENDING", { retryAfterMs: RETRY_MS });
}

/** No payment can be taken now. */
export function full(): GatewayProblem {
  return new GatewayProblem("PAYMENTS_FULL", { retryAfterMs: RETRY_MS });
}
