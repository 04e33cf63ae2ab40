import type { HttpResponse } from "../node/http/response.ts";
import { BlockcloudError } from "../protocol/errors.ts";

/** The index's error codes over HTTP, with status and title. */
const problems = {
  REQUEST_INVALID: { status: 400, title: "The request cannot be read" },
  QUERY_REFUSED: { status: 400, title: "The query is not run" },
  PATH_UNKNOWN: { status: 404, title: "Unknown path" },
  METHOD_REFUSED: { status: 405, title: "This path does not serve the method" },
  BODY_TOO_LARGE: { status: 413, title: "The request body is too large" },
  QUERIES_EXCEEDED: { status: 429, title: "This client has too many queries at a time" },
  RESPONSES_UNREAD: { status: 429, title: "This client has not read earlier responses" },
  INDEX_FAILED: { status: 500, title: "The index failed" },
  TRANSFER_CODING_REFUSED: { status: 501, title: "Only the transfer coding chunked is read" },
  INDEX_AWAY: { status: 503, title: "The index is starting" },
  INDEX_SLOW: { status: 504, title: "The index did not answer in time" },
} as const;

export type IndexProblemCode = keyof typeof problems;
/** All of them, with status and title. */
export const indexProblems: Readonly<Record<string, { status: number; title: string }>> = problems;

/** An error that is sent as RFC 9457 problem details. */
export class IndexProblem extends BlockcloudError {
  declare readonly code: IndexProblemCode;
  readonly #options: { detail?: string; allow?: string };

  constructor(
    code: IndexProblemCode,
    options: { detail?: string; allow?: string; cause?: unknown } = {},
  ) {
    super(code, `${problems[code].title}.`, { cause: options.cause });
    this.name = "IndexProblem";
    this.#options = options;
  }

  get response(): HttpResponse {
    const { status, title } = problems[this.code];
    const { detail, allow } = this.#options;
    const headers: Record<string, string> = {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
    };
    if (allow !== undefined) headers.allow = allow;
    const shown = detail === undefined ? {} : { detail };
    const body = JSON.stringify({ type: "about:blank", title, status, ...shown, code: this.code });
    return { status, headers, body };
  }
}
