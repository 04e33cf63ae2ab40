/** Events of the HTTP front, for metrics. */
export interface HttpObserver {
  /** A response was sent; `seconds` is the time from the head of the request to the head of the response. */
  answered(status: number, seconds: number): void;
  /** The number of clients that watch names. */
  watches(open: number): void;
  /** A watch was ended because its client did not read. */
  cut(): void;
}
