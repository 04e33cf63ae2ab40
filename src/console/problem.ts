import type { HttpResponse } from "../node/http/response.ts";

/** The codes of refused requests, with their statuses. */
const statuses = {
  HOST_REFUSED: 421,
  ORIGIN_REFUSED: 403,
  METHOD_REFUSED: 405,
  PATH_UNKNOWN: 404,
  REQUEST_INVALID: 400,
  BODY_TOO_LARGE: 413,
  RATE_EXCEEDED: 429,
  RESPONSES_UNREAD: 429,
  CONSOLE_BUSY: 503,
  RPC_METHOD_REFUSED: 403,
  UPSTREAM_FAILED: 502,
  UPSTREAM_TOO_LARGE: 502,
  CALL_FAILED: 502,
  RESOLVE_FAILED: 404,
  CONSOLE_FAILED: 500,
} as const;

export type ProblemCode = keyof typeof statuses;

/** Why a request is refused; it becomes an RFC 9457 problem. */
export class ConsoleProblem extends Error {
  readonly code: ProblemCode;
  readonly fields: Readonly<Record<string, string>>;
  readonly details: Readonly<Record<string, string>>;

  /**
   * @param options.reason The code of the failure behind it, for the page.
   * @param options.fields Further header fields.
   */
  constructor(
    code: ProblemCode,
    message: string,
    options: { reason?: string; fields?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "ConsoleProblem";
    this.code = code;
    this.fields = options.fields ?? {};
    this.details = options.reason === undefined ? {} : { reason: options.reason };
  }

  get response(): HttpResponse {
    const { code, message, details, fields } = this;
    return {
      status: statuses[code],
      headers: {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        ...fields,
      },
      body: JSON.stringify({ status: statuses[code], code, title: message, ...details }),
    };
  }
}

/** A JSON response that no cache keeps. */
export function json(value: unknown, status = 200): HttpResponse {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return { status, headers, body: JSON.stringify(value) };
}
