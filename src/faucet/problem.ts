import { BlockcloudError } from "../protocol/errors.ts";
import type { HttpResponse } from "../node/http/response.ts";

/** The faucet's error codes, with status and title. */
const problems = {
  REQUEST_INVALID: { status: 400, title: "The request cannot be read" },
  RECEIVER_INVALID: { status: 400, title: "The faucet does not send there" },
  PATH_UNKNOWN: { status: 404, title: "Unknown path" },
  METHOD_REFUSED: { status: 405, title: "This path does not serve the method" },
  BODY_TOO_LARGE: { status: 413, title: "The request body is too large" },
  GIFTS_EXCEEDED: { status: 429, title: "This address or this client has had its share" },
  RESPONSES_UNREAD: { status: 429, title: "This client has not read earlier responses" },
  FAUCET_FAILED: { status: 500, title: "The faucet failed" },
  TRANSFER_CODING_REFUSED: { status: 501, title: "Only the transfer coding chunked is read" },
  FAUCET_BUSY: { status: 503, title: "Too many gifts are being sent" },
  FAUCET_DRY: { status: 503, title: "The faucet has given what it may give in a day" },
  FAUCET_EMPTY: { status: 503, title: "The faucet has too little left" },
  FAUCET_UNSENT: { status: 503, title: "The gift was not sent completely" },
} as const;

export type FaucetProblemCode = keyof typeof problems;
/** All of them, with status and title. */
export const faucetProblems: Readonly<Record<string, { status: number; title: string }>> = problems;

/** An error that is sent as RFC 9457 problem details. */
export class FaucetProblem extends BlockcloudError {
  declare readonly code: FaucetProblemCode;
  readonly #options: { detail?: string; retryAfterMs?: number; allow?: string };

  constructor(
    code: FaucetProblemCode,
    options: { detail?: string; retryAfterMs?: number; allow?: string; cause?: unknown } = {},
  ) {
    super(code, `${problems[code].title}.`, { cause: options.cause });
    this.name = "FaucetProblem";
    this.#options = options;
  }

  get response(): HttpResponse {
    const { status, title } = problems[this.code];
    const { detail, retryAfterMs, allow } = this.#options;
    const headers: Record<string, string> = {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
    };
    if (retryAfterMs !== undefined) {
      headers["retry-after"] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
    }
    if (allow !== undefined) headers.allow = allow;
    const shown = detail === undefined ? {} : { detail };
    const body = JSON.stringify({ type: "about:blank", title, status, ...shown, code: this.code });
    return { status, headers, body };
  }
}
