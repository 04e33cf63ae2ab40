import { BlockcloudError } from "../../protocol/errors.ts";
import { resolveErrors } from "../answer.ts";
import type { ProblemJson } from "../answerSchema.ts";

/** Every code that is answered, with its status. */
const problems = {
  [resolveErrors.invalid]: { status: 400, title: "Not a name or an ID" },
  REQUEST_INVALID: { status: 400, title: "The request cannot be read" },
  [resolveErrors.dropped]: { status: 403, title: "This resolver drops the service" },
  METRICS_REMOTE: { status: 403, title: "Metrics are for this host only" },
  [resolveErrors.unknown]: { status: 404, title: "No such service or name" },
  [resolveErrors.noRecord]: { status: 404, title: "The service has published no endpoint" },
  PATH_UNKNOWN: { status: 404, title: "Nothing is served here" },
  [resolveErrors.inactive]: { status: 409, title: "The service is not active" },
  [resolveErrors.delegation]: { status: 410, title: "The sub-service's delegation has ended" },
  BODY_TOO_LARGE: { status: 413, title: "The request body is too large" },
  RATE_EXCEEDED: { status: 429, title: "Too many requests from one address" },
  WATCHES_EXCEEDED: { status: 429, title: "Too many watches from one address" },
  RESOLVER_FAILED: { status: 500, title: "The resolver failed" },
  [resolveErrors.stale]: { status: 503, title: "The last record known has run out" },
  [resolveErrors.unreachable]: { status: 503, title: "Neither chain nor network answers" },
  [resolveErrors.busy]: { status: 503, title: "Too many look-ups wait" },
  WATCHES_FULL: { status: 503, title: "Too many clients watch" },
  [resolveErrors.loop]: { status: 508, title: "Resolvers forward in a circle" },
} as const;

/** A code that the HTTP front answers with. */
export type HttpProblemCode = keyof typeof problems;
/** All of them, with their status. */
export const httpProblems: Readonly<Record<string, { status: number; title: string }>> = problems;

/** Seconds after which a client may come again where nothing better is known. */
const RETRY_SECONDS = 1;

/** A request that is answered with RFC 9457 problem details. */
export class HttpProblem extends BlockcloudError {
  declare readonly code: HttpProblemCode;
  readonly status: number;
  readonly title: string;
  /** What may be told of this case. */
  readonly detail: string | undefined;
  /** For `Retry-After`. */
  readonly retrySeconds: number | undefined;

  constructor(
    code: HttpProblemCode,
    options: { detail?: string; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    const { status, title } = problems[code];
    super(code, `${title}.`, { cause: options.cause });
    this.name = "HttpProblem";
    this.status = status;
    this.title = title;
    this.detail = options.detail;
    this.retrySeconds =
      options.retryAfterMs !== undefined && Number.isFinite(options.retryAfterMs)
        ? Math.max(RETRY_SECONDS, Math.ceil(options.retryAfterMs / 1000))
        : status === 503
          ? RETRY_SECONDS
          : undefined;
  }

  /** The body, and an item of a batch. */
  get json(): ProblemJson {
    const { title, status, code, detail } = this;
    const shown = detail === undefined ? {} : { detail: detail.slice(0, 1024) };
    return { type: "about:blank", title, status, ...shown, code };
  }

  /** Answers of this kind are nothing to keep: what they say may change at once. */
  get response(): Response {
    const headers: Record<string, string> = {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
    };
    if (this.retrySeconds !== undefined) headers["retry-after"] = String(this.retrySeconds);
    return new Response(JSON.stringify(this.json), { status: this.status, headers });
  }
}

const codes = new Set<string>(Object.values(resolveErrors));

/** What any error looks like from outside: of those that a look-up declares, all; of others, that it failed. */
export function asProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof BlockcloudError) {
    const { code, message: detail } = error;
    if (codes.has(code)) return new HttpProblem(code as HttpProblemCode, { detail, cause: error });
    // What `parseName` says of an ID that is none.
    if (code === "SERVICE_ID_INVALID") return new HttpProblem("NAME_INVALID", { detail });
  }
  return new HttpProblem("RESOLVER_FAILED", { cause: error });
}
