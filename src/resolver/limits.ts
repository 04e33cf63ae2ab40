/** What a resolver may hold and do. Times are milliseconds. */
export interface ResolverLimits {
  /** Services that are cached, and as many names. */
  entries: number;
  /** Failed look-ups that are remembered, and how long. */
  failures: number;
  failureMs: number;
  /** How long a look-up on demand may take. */
  timeMs: number;
  /** How many of those run, and how many callers wait for them. */
  works: number;
  waiting: number;
  /** Listeners to changes. */
  watchers: number;
  /** Look-ups at once that renew what is held. */
  renewals: number;
}

/** Limits that suit a process of its own. */
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
