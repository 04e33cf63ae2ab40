/** Limits of a resolver. Times are milliseconds. */
export interface ResolverLimits {
  /** Cached services, and as many names. */
  entries: number;
  /** Cached failures of lookups, and how long they are cached. */
  failures: number;
  failureMs: number;
  /** Time limit of a lookup on demand. */
  timeMs: number;
  /** Concurrent lookups on demand, and callers that wait for them. */
  works: number;
  waiting: number;
  /** Listeners to changes. */
  watchers: number;
  /** Concurrent renewals of held answers. */
  renewals: number;
}

/** Limits for a resolver in its own process. */
export const resolverLimits: ResolverLimits = {
  entries: 200_000,
  failures: 10_000,
  failureMs: 5_000,
  timeMs: 5_000,
  works: 1_024,
  waiting: 16_384,
  watchers: 10_000,
  renewals: 8,
};
