import { BlockcloudError, type BlockcloudErrorOptions } from "../../protocol/errors.ts";

/** Codes of the gateway's own responses, each with its status. */
const PROBLEMS = {
  TARGET_REFUSED: { status: 400, title: "The request target is neither a path nor an http URL" },
  HOST_REFUSED: { status: 400, title: "The request has several Host fields or a malformed one" },
  NONCE_MALFORMED: { status: 400, title: "Service-Nonce is not 0x and 64 hexadecimal digits" },
  NONCE_NEEDS_HTTP_1_1: { status: 400, title: "Service-Nonce needs HTTP/1.1" },
  PAYMENT_MALFORMED: { status: 400, title: "PAYMENT-SIGNATURE is not a payment of x402 version 2" },
  PAYMENT_REQUIRED: { status: 402, title: "The request must be paid" },
  PAYMENT_USED_UP: { status: 402, title: "The rest of the answer is not paid for" },
  PAYMENT_FAILED: { status: 402, title: "The payment was not accepted" },
  PAYMENT_NEEDS_TLS: { status: 403, title: "This service is paid over https or the SAL only" },
  ALREADY_SERVED: { status: 409, title: "The paid answer was sent and is not kept" },
  BODY_TOO_LARGE: { status: 413, title: "The request body is too large" },
  RECEIPTS_EXHAUSTED: { status: 429, title: "Too many receipts for one peer" },
  PAYMENTS_EXCEEDED: { status: 429, title: "Too many new payments of one peer" },
  REQUESTS_EXCEEDED: { status: 429, title: "Too many concurrent requests of one peer" },
  STREAMS_EXCEEDED: { status: 429, title: "Too many event streams or tunnels for one peer" },
  HEADERS_TOO_MANY: { status: 431, title: "The request has too many header fields" },
  CLIENT_GONE: { status: 499, title: "The client has gone" },
  GATEWAY_FAILED: { status: 500, title: "The gateway failed" },
  TRANSFER_CODING_REFUSED: { status: 501, title: "Only the transfer coding chunked is served" },
  UPSTREAM_FAILED: { status: 502, title: "The service behind this gateway failed" },
  GATEWAY_BUSY: { status: 503, title: "The gateway has no memory left for this response" },
  PAYMENT_PENDING: {
    status: 503,
    title: "The payment is not settled yet: repeat the same request",
  },
  PAYMENTS_FULL: { status: 503, title: "The gateway takes no further payment now" },
  STREAMS_FULL: { status: 503, title: "The gateway has no room for one more stream or tunnel" },
  UPSTREAM_TIMEOUT: {
    status: 504,
    title: "The service behind this gateway did not respond in time",
  },
  VERSION_REFUSED: { status: 505, title: "Only HTTP/1.1 and HTTP/1.0 are served" },
} as const;

export type GatewayProblemCode = keyof typeof PROBLEMS;
/** All of them. */
export const problemCodes = Object.keys(PROBLEMS) as GatewayProblemCode[];

/** An error that the gateway sends itself, as RFC 9457 problem details. */
export class GatewayProblem extends BlockcloudError {
  declare readonly code: GatewayProblemCode;
  readonly status: number;
  /** When the client may try again, for `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  /** Further header fields, as a flat list. */
  readonly #fields: readonly string[];

  constructor(
    code: GatewayProblemCode,
    options: BlockcloudErrorOptions & {
      retryAfterMs?: number;
      fields?: readonly string[];
    } = {},
  ) {
    super(code, `${PROBLEMS[code].title}.`, options);
    this.name = "GatewayProblem";
    this.status = PROBLEMS[code].status;
    this.retryAfterMs = options.retryAfterMs;
    this.#fields = options.fields ?? [];
  }

  /**
   * Whether the response gets a receipt. The provider signs what it served, including a failing upstream, but
   * not refusals of the gateway.
   */
  get receipted(): boolean {
    return this.status === 502 || this.status === 504;
  }

  /** The body. It contains neither the upstream's address nor the cause, which are only logged. */
  get body(): Buffer {
    const { code, status, message: title } = this;
    return Buffer.from(JSON.stringify({ type: "about:blank", title, status, code }));
  }

  /** Header fields, as a flat list. */
  get headers(): string[] {
    const headers = ["Content-Type", "application/problem+json", "Cache-Control", "no-store"];
    // With a burst or rate of 0 there is never a receipt.
    if (this.retryAfterMs !== undefined && Number.isFinite(this.retryAfterMs)) {
      headers.push("Retry-After", String(Math.max(1, Math.ceil(this.retryAfterMs / 1000))));
    }
    headers.push(...this.#fields);
    return headers;
  }
}

/** Converts an error for the client. */
export function asProblem(error: unknown): GatewayProblem {
  if (error instanceof GatewayProblem) return error;
  return new GatewayProblem("GATEWAY_FAILED", { cause: error });
}
