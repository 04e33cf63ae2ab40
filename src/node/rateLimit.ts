import { boundedTable, type BoundedTable } from "./boundedTable.ts";

interface Bucket {
  tokens: number;
  /** When `tokens` was true, by the monotonic clock. */
  at: number;
}

/** How often a peer may do something. */
export interface RateLimitOptions {
  perSecond: number;
  burst: number;
  /** Peers that are remembered at a time. */
  maxPeers: number;
}

/** A token bucket for each peer, in a table of bounded size. */
export class RateLimit {
  /**
   * Forgets the peer that was silent longest. Its bucket is the fullest or nearly so: only a crowd of more
   * than `maxPeers` peers within `burst / perSecond` seconds makes it forget a debt.
   */
  readonly #buckets: BoundedTable<string, Bucket>;
  readonly #options: RateLimitOptions;
  readonly #monotonic: () => number;

  constructor(options: RateLimitOptions, monotonic: () => number) {
    this.#options = options;
    this.#buckets = boundedTable(options.maxPeers);
    this.#monotonic = monotonic;
  }

  /** Peers that are remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes tokens.
   *
   * @param cost How many; more than a burst is never allowed.
   * @returns 0 when there were as many, else the milliseconds until there are; Infinity if there never will be.
   */
  take(peer: string, cost = 1): number {
    const { perSecond, burst } = this.#options;
    const now = this.#monotonic();
    const known = this.#buckets.get(peer);
    const tokens = known
      ? Math.min(burst, known.tokens + ((now - known.at) * perSecond) / 1000)
      : burst;
    const allowed = tokens >= cost;
    this.#buckets.set(peer, { tokens: allowed ? tokens - cost : tokens, at: now });
    if (allowed) return 0;
    return cost > burst ? Infinity : ((cost - tokens) * 1000) / perSecond;
  }
}
