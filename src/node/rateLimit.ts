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
  /** The least recently seen peer is first: a Map keeps the order of insertion. */
  readonly #buckets = new Map<string, Bucket>();
  readonly #options: RateLimitOptions;
  readonly #monotonic: () => number;

  constructor(options: RateLimitOptions, monotonic: () => number) {
    this.#options = options;
    this.#monotonic = monotonic;
  }

  /** Peers that are remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes one token.
   *
   * @returns 0 when there was one, else the milliseconds until there is; Infinity if there never will be.
   */
  take(peer: string): number {
    const { perSecond, burst } = this.#options;
    const now = this.#monotonic();
    const known = this.#buckets.get(peer);
    const tokens = known
      ? Math.min(burst, known.tokens + ((now - known.at) * perSecond) / 1000)
      : burst;
    const allowed = tokens >= 1;
    this.#buckets.delete(peer);
    this.#buckets.set(peer, { tokens: allowed ? tokens - 1 : tokens, at: now });
    this.#evict();
    return allowed ? 0 : ((1 - tokens) * 1000) / perSecond;
  }

  /**
   * Forgets the peer that was silent longest. Its bucket is the fullest or nearly so: only a crowd of more than
   * `maxPeers` peers within `burst / perSecond` seconds makes it forget a debt.
   */
  #evict(): void {
    if (this.#buckets.size <= this.#options.maxPeers) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
