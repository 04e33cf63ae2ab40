/** Port of the relay for visitors, and for its providers. */
export const VISITORS = 4_433;
export const PROVIDERS = 4_434;
/** Port at which the provider listens for direct clients. */
export const LISTEN = 8_443;
/** The service's port that gives bytes until it is told to end. */
export const FEED = 80;

/** To the provider: end the feed, or take the mapping away. To the client: where the service is; begin to read. */
export type Order = { at: string } | { end: true } | { unmap: true };

/** What became of one session that began at a relay. */
export interface Round {
  /** The path in the end: `relay` if it stayed there. */
  path: string;
  /** Why it stayed. */
  why?: string | undefined;
  /** From the first PUNCH to the first link, or to giving up. */
  punchMs: number;
  /** The widest gap of the flow meanwhile, and one in the same time without a move. */
  gapMs: number;
  quietMs: number;
  /** Bytes that were not those that were sent. */
  wrong: number;
}

/** What the processes tell. */
export type News =
  | { ready: true }
  | { moved: string; path: string; gapMs: number; widestMs: number; punchMs: number | undefined }
  | { stays: string; punchMs: number | undefined }
  | { unmapped: true }
  | { round: Round }
  | { received: number }
  | { bytes: number; digest: string }
  | { failed: string };

/** Tells the test. */
export function tell(news: News): void {
  process.send?.(news);
}
