/** Port of the provider in its namespace. */
export const PORT = 4433;
/** The service's port that gives bytes without end, until it is told to end. */
export const FEED = 80;

/** To the provider: begin to listen, or end the feed. To the client: where the service is now. */
export type Order = { at: string } | { end: true };

/** What the two processes tell. */
export type News =
  | { ready: true }
  | { moved: string }
  | { received: number }
  | { bytes: number; digest: string }
  | { failed: string };

/** Tells the test. */
export function tell(news: News): void {
  process.send?.(news);
}
