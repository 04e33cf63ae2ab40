import type { NodeError } from "./faults.ts";

/**
 * JSON-RPC codes for an exceeded rate limit: EIP-1474 and Infura, QuickNode, proxyd (Base, Optimism), dRPC,
 * BlastAPI, and the HTTP code inside an answer.
 */
const CODES: ReadonlySet<number> = new Set([
  -32_005, -32_007, -32_011, -32_016, -32_029, -32_097, 15, 429,
]);
/** Messages for an exceeded rate limit, with any code. */
const WORDS =
  /rate.?limit|too many requests?|request limit|requests? per second|compute units|over (the )?(rate|quota)|quota|throttl|capacity (limit|exceeded)|daily limit/i;
/** Some of the codes also refuse a request because of its size; a pause does not help then. */
const SIZE_WORDS =
  /results|block range|range (is )?too|too (large|big|wide|many (blocks|logs))|response size|batch|payload/i;
/** Messages by which a node refuses the batch, not its requests. */
const BATCH_WORDS = /batch/i;

/** Whether a node reports an exceeded rate limit. */
export function isRateLimit({ code, message }: NodeError): boolean {
  if (WORDS.test(message)) return true;
  return CODES.has(code) && !SIZE_WORDS.test(message);
}

/** Whether a node refuses batches, or the length of this one. */
export function isAboutBatch({ message }: NodeError): boolean {
  return BATCH_WORDS.test(message);
}

/**
 * The pause that a response requests (RFC 9110, 10.2.3), milliseconds. A date is compared with the date of the
 * response, so the result does not depend on this machine's clock.
 */
export function retryAfterMs(headers: Pick<Headers, "get">): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const [until, now] = [Date.parse(value), Date.parse(headers.get("date") ?? "")];
  return until > now ? until - now : undefined;
}

/** The batch size of one endpoint: it shrinks after refusals, and grows again later. */
export class BatchSize {
  readonly #most: number;
  #size: number;
  #patience = FIRST_PATIENCE;
  #wentWell = 0;
  #isTrial = false;

  constructor(most: number) {
    this.#most = most;
    this.#size = most;
  }

  get size(): number {
    return this.#size;
  }

  /** A batch of this size was answered completely. */
  took(length: number): void {
    if (length < this.#size || this.#size === this.#most) return;
    this.#wentWell += 1;
    if (this.#wentWell < this.#patience) return;
    this.#wentWell = 0;
    this.#isTrial = true;
    this.#size = Math.min(this.#size * 2, this.#most);
  }

  /** A batch of this size was answered only in part. */
  refused(length: number, answered = 0): void {
    const fits = Math.max(1, answered > 0 ? answered : Math.floor(length / 2));
    // Each refusal costs a request, so longer batches are tried less and less often.
    if (this.#isTrial) this.#patience = Math.min(this.#patience * 2, MOST_PATIENCE);
    this.#isTrial = false;
    this.#size = Math.min(this.#size, fits);
    this.#wentWell = 0;
  }
}

/** Number of complete batches before a longer one is tried. */
const FIRST_PATIENCE = 8;
const MOST_PATIENCE = 4_096;
