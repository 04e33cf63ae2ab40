/** Port of the relay for visitors, and for its providers. */
export const VISITORS = 4_433;
export const PROVIDERS = 4_434;
/** Port at which the provider listens for direct clients. */
export const LISTEN = 8_443;
/** The service's port that gives bytes until it is told to end. */
export const FEED = 80;

/** To the provider: end the feed. To the client: where the service is; begin to read. */
export type Order = { at: string } | { end: true };

/** What the processes tell. */
export type News =
  | { ready: true }
  | { moved: string; path: string; gapMs: number; widestMs: number; punchMs: number | undefined }
  | { stays: string; punchMs: number | undefined }
  | { received: number }
  | { bytes: number; digest: string }
  | { failed: string };

/** Tells the test. */
export function tell(news: News): void {
  process.send?.(news);
}
