import { boundedTable, type BoundedTable } from "./boundedTable.ts";

interface Bucket {
  tokens: number;
  /** The time of `tokens`, monotonic. */
  at: number;
}

/** The rate limit of a peer. */
export interface RateLimitOptions {
  perSecond: number;
  burst: number;
  /** Maximum number of stored peers. */
  maxPeers: number;
}

/** A token bucket for each peer, in a table of bounded size. */
export class RateLimit {
  /**
   * Evicts the peer that was silent longest. Its bucket is usually the fullest: a debt is forgotten only if more than
   * `maxPeers` peers come within `burst / perSecond` seconds.
   */
  readonly #buckets: BoundedTable<string, Bucket>;
  readonly #options: RateLimitOptions;
  readonly #monotonic: () => number;

  constructor(options: RateLimitOptions, monotonic: () => number) {
    this.#options = options;
    this.#buckets = boundedTable(options.maxPeers);
    this.#monotonic = monotonic;
  }

  /** Number of stored peers. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes tokens.
   *
   * @param cost Number of tokens; more than a burst is never allowed.
   * @returns 0 if there were enough, else the milliseconds until there are; Infinity if there never will be.
   */
  take(peer: string, cost = 1): number {
    const now = this.#monotonic();
    const tokens = this.#tokens(peer, now);
    const allowed = tokens >= cost;
    this.#buckets.set(peer, { tokens: allowed ? tokens - cost : tokens, at: now });
    return allowed ? 0 : this.#wait(tokens, cost);
  }

  /** What `take` would give, without taking. */
  peek(peer: string, cost = 1): number {
    const tokens = this.#tokens(peer, this.#monotonic());
    return tokens >= cost ? 0 : this.#wait(tokens, cost);
  }

  #tokens(peer: string, now: number): number {
    const { perSecond, burst } = this.#options;
    const known = this.#buckets.get(peer);
    if (known === undefined) return burst;
    return Math.min(burst, known.tokens + ((now - known.at) * perSecond) / 1000);
  }

  #wait(tokens: number, cost: number): number {
    const { perSecond, burst } = this.#options;
    return cost > burst ? Infinity : ((cost - tokens) * 1000) / perSecond;
  }
}
