import { BlockcloudError } from "../../protocol/errors.ts";
import { resolveErrors } from "../answer.ts";
import type { HttpResponse } from "../../node/http/response.ts";
import type { ProblemJson } from "../answerSchema.ts";

/** All error codes of the HTTP front, with status and title. */
const problems = {
  [resolveErrors.invalid]: { status: 400, title: "Not a name or an ID" },
  REQUEST_INVALID: { status: 400, title: "The request cannot be read" },
  [resolveErrors.dropped]: { status: 403, title: "This resolver drops the service" },
  METRICS_REMOTE: { status: 403, title: "Metrics are for clients on the resolver's host only" },
  [resolveErrors.unknown]: { status: 404, title: "No such service or name" },
  [resolveErrors.noRecord]: { status: 404, title: "The service has published no endpoint" },
  PATH_UNKNOWN: { status: 404, title: "Unknown path" },
  METHOD_REFUSED: { status: 405, title: "This path does not serve the method" },
  [resolveErrors.inactive]: { status: 409, title: "The service is not active" },
  [resolveErrors.delegation]: {
    status: 410,
    title: "The sub-service's delegation expired or was revoked",
  },
  BODY_TOO_LARGE: { status: 413, title: "The request body is too large" },
  RATE_EXCEEDED: { status: 429, title: "Too many requests from one address" },
  RESPONSES_UNREAD: { status: 429, title: "This client has not read earlier responses" },
  WATCHES_EXCEEDED: { status: 429, title: "Too many watches from one address" },
  RESOLVER_FAILED: { status: 500, title: "The resolver failed" },
  TRANSFER_CODING_REFUSED: { status: 501, title: "Only the transfer coding chunked is read" },
  [resolveErrors.stale]: { status: 503, title: "The last known record has expired" },
  [resolveErrors.unreachable]: { status: 503, title: "Neither chain nor record network responds" },
  [resolveErrors.busy]: { status: 503, title: "Too many lookups are waiting" },
  WATCHES_FULL: { status: 503, title: "Too many clients watch" },
  [resolveErrors.loop]: { status: 508, title: "Resolvers forward in a circle" },
} as const;

/** An error code of the HTTP front. */
export type HttpProblemCode = keyof typeof problems;
/** All error codes, with status and title. */
export const httpProblems: Readonly<Record<string, { status: number; title: string }>> = problems;

/** Default of `Retry-After`, seconds. */
const RETRY_SECONDS = 1;

/** An error that is sent as RFC 9457 problem details. */
export class HttpProblem extends BlockcloudError {
  declare readonly code: HttpProblemCode;
  readonly status: number;
  readonly title: string;
  /** Details of this case that the client may see. */
  readonly detail: string | undefined;
  /** For `Retry-After`. */
  readonly retrySeconds: number | undefined;
  /** The methods of the path, for `Allow`. */
  readonly allow: string | undefined;

  constructor(
    code: HttpProblemCode,
    options: { detail?: string; retryAfterMs?: number; allow?: string; cause?: unknown } = {},
  ) {
    const { status, title } = problems[code];
    super(code, `${title}.`, { cause: options.cause });
    this.name = "HttpProblem";
    this.status = status;
    this.title = title;
    this.detail = options.detail;
    this.allow = options.allow;
    this.retrySeconds =
      options.retryAfterMs !== undefined && Number.isFinite(options.retryAfterMs)
        ? Math.max(RETRY_SECONDS, Math.ceil(options.retryAfterMs / 1000))
        : status === 503
          ? RETRY_SECONDS
          : undefined;
  }

  /** The body of the response, or an item of a batch. */
  get json(): ProblemJson {
    const { title, status, code, detail } = this;
    const shown = detail === undefined ? {} : { detail: detail.slice(0, 1024) };
    return { type: "about:blank", title, status, ...shown, code };
  }

  /** The response. It must not be cached, because the state may change at once. */
  get response(): HttpResponse {
    const headers: Record<string, string> = {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
    };
    if (this.retrySeconds !== undefined) headers["retry-after"] = String(this.retrySeconds);
    if (this.allow !== undefined) headers.allow = this.allow;
    return { status: this.status, headers, body: JSON.stringify(this.json) };
  }
}

const codes = new Set<string>(Object.values(resolveErrors));

/** Converts an error for the client: errors that a lookup declares in full, others only as a failure. */
export function asProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof BlockcloudError) {
    const { code, message: detail } = error;
    if (codes.has(code)) return new HttpProblem(code as HttpProblemCode, { detail, cause: error });
    // The error of `parseName` for an invalid ID.
    if (code === "SERVICE_ID_INVALID") return new HttpProblem("NAME_INVALID", { detail });
  }
  return new HttpProblem("RESOLVER_FAILED", { cause: error });
}
