import type { NodeError } from "./faults.ts";

/**
 * JSON-RPC codes with which providers say that they are asked too often: EIP-1474 and Infura, QuickNode,
 * proxyd (Base, Optimism), dRPC, BlastAPI, and HTTP's own code inside of an answer.
 */
const CODES: ReadonlySet<number> = new Set([
  -32_005, -32_007, -32_011, -32_016, -32_029, -32_097, 15, 429,
]);
/** The same in words, whatever the code is. */
const WORDS =
  /rate.?limit|too many requests?|request limit|requests? per second|compute units|over (the )?(rate|quota)|quota|throttl|capacity (limit|exceeded)|daily limit/i;
/** Some of the codes also refuse a request for its size, which no pause changes. */
const SIZE_WORDS =
  /results|block range|range (is )?too|too (large|big|wide|many (blocks|logs))|response size|batch|payload/i;
/** Where a node refuses the batch and not the requests in it. */
const BATCH_WORDS = /batch/i;

/** Whether a node says that it is asked too often. */
export function isRateLimit({ code, message }: NodeError): boolean {
  if (WORDS.test(message)) return true;
  return CODES.has(code) && !SIZE_WORDS.test(message);
}

/** Whether a node refuses a batch for being one, or for its length. */
export function isAboutBatch({ message }: NodeError): boolean {
  return BATCH_WORDS.test(message);
}

/**
 * How long an answer asks to be left alone (RFC 9110, 10.2.3), milliseconds. A date counts from the date of
 * the answer itself, so that no clock of ours has to be right.
 */
export function retryAfterMs(headers: Pick<Headers, "get">): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const [until, now] = [Date.parse(value), Date.parse(headers.get("date") ?? "")];
  return until > now ? until - now : undefined;
}

/** How many requests of one endpoint travel together: fewer where it refuses more, and more again later. */
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

  /** A batch of so many was answered whole. */
  took(length: number): void {
    if (length < this.#size || this.#size === this.#most) return;
    this.#wentWell += 1;
    if (this.#wentWell < this.#patience) return;
    this.#wentWell = 0;
    this.#isTrial = true;
    this.#size = Math.min(this.#size * 2, this.#most);
  }

  /** Of a batch of so many, only some were answered. */
  refused(length: number, answered = 0): void {
    const fits = Math.max(1, answered > 0 ? answered : Math.floor(length / 2));
    // Each refusal costs a request: an endpoint that means it is tried less and less often.
    if (this.#isTrial) this.#patience = Math.min(this.#patience * 2, MOST_PATIENCE);
    this.#isTrial = false;
    this.#size = Math.min(this.#size, fits);
    this.#wentWell = 0;
  }
}

/** Whole batches that must go well before a longer one is tried. */
const FIRST_PATIENCE = 8;
const MOST_PATIENCE = 4_096;
