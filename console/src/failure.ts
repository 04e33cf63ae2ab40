/** What went wrong, for people: a stable code, a sentence, and what to do. */
export class PageError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;

  constructor(code: string, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "PageError";
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** Any error in the page's terms. The text of a stranger is cut. */
export function asFailure(error: unknown): PageError {
  if (error instanceof PageError) return error;
  if (!(error instanceof Error)) return new PageError("UNKNOWN", String(error).slice(0, 300));
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  const short = "shortMessage" in error ? String(error.shortMessage) : error.message;
  return new PageError(code, short.slice(0, 300), { cause: error });
}
