/** The cause of an error, and what the caller can do. */
export interface BlockcloudErrorOptions {
  /** The underlying error. */
  cause?: unknown;
  /** What to do next, for the person who reads the message. */
  remedy?: string;
  /** Whether the same call may succeed later without a change. */
  retryable?: boolean;
}

/**
 * Base of every error that this package throws on purpose. `code` is stable and meant for programs, the
 * message for people; it names the value that was wrong and ends with what to do next.
 */
export class BlockcloudError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: BlockcloudErrorOptions = {}) {
    super(options.remedy === undefined ? message : `${message} ${options.remedy}`, {
      cause: options.cause,
    });
    this.name = "BlockcloudError";
    this.code = code;
    this.remedy = options.remedy;
    this.retryable = options.retryable ?? false;
  }
}

/** An error's message without its remedy, for a place that has a remedy of its own, or none. */
export function withoutRemedy({ message, remedy }: BlockcloudError): string {
  const hasIt = remedy !== undefined && message.endsWith(` ${remedy}`);
  return hasIt ? message.slice(0, -remedy.length - 1) : message;
}
