/** What the HTTP front tells of itself. */
export interface HttpObserver {
  /** A request was answered; seconds from its head to the answer's. */
  answered(status: number, seconds: number): void;
  /** Clients that watch names. */
  watches(open: number): void;
  /** A watch was ended because its client did not read. */
  cut(): void;
}
