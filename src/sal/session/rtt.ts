import { SEGMENT_BYTES } from "./segments.ts";

/** Smoothed and least round-trip time (RFC 6298), and the rate of delivery. */
export class PathEstimate {
  /** Milliseconds; undefined without a sample. */
  #srtt: number | undefined;
  #least = Infinity;
  /** When the peer was asked for a sign of life, monotonic milliseconds; undefined if none is owed. */
  #askedAt: number | undefined;
  /** The last samples, bytes a millisecond, and the highest of them: the window is asked for with each segment. */
  #rates: number[] = [];
  #rate = 0;
  #since: number | undefined;
  #bytes = 0;
  /** Bytes that the path has delivered. */
  #total = 0;

  /** Smoothed round-trip time, milliseconds; 100 before the first sample. */
  get srtt(): number {
    return this.#srtt ?? 100;
  }

  /** Least round-trip time, milliseconds: that of the path without its queues. */
  get least(): number {
    return Number.isFinite(this.#least) ? this.#least : this.srtt;
  }

  /** The peer is asked for a sign of life; it answers as often as it is asked, and the first answer counts. */
  asked(now: number): void {
    this.#askedAt ??= now;
  }

  /** The peer's answer came. */
  answered(now: number): void {
    if (this.#askedAt === undefined) return;
    this.sample(now - this.#askedAt);
    this.#askedAt = undefined;
  }

  /** A round trip took that long. */
  sample(milliseconds: number): void {
    this.#srtt =
      this.#srtt === undefined ? milliseconds : this.#srtt + (milliseconds - this.#srtt) / 8;
    this.#least = Math.min(this.#least, milliseconds);
  }

  /**
   * The peer acknowledged bytes; `isBusy` says whether bytes were under way all the time since the last call. A sender
   * with little to say measures its own rate: that is too low, but then the window does not hold it up either.
   */
  delivered(bytes: number, now: number, isBusy: boolean): void {
    this.#total += bytes;
    if (!isBusy) {
      this.#since = undefined;
      this.#bytes = 0;
      return;
    }
    if (this.#since === undefined) {
      this.#since = now;
      return;
    }
    this.#bytes += bytes;
    const elapsed = now - this.#since;
    if (elapsed < SAMPLE_MS) return;
    this.#rates.push(this.#bytes / elapsed);
    if (this.#rates.length > SAMPLES) this.#rates.shift();
    this.#rate = Math.max(...this.#rates);
    this.#since = now;
    this.#bytes = 0;
  }

  /** How many whole bytes may wait for their acknowledgement so that the path is full and no more. */
  get window(): number {
    const rate = this.#rate;
    const least = Number.isFinite(this.#least) ? this.#least : 0;
    // How much the peer keeps back before it acknowledges.
    const owed = Math.min(rate * ACK_DELAY_MS, MOST_OWED_BYTES);
    const bytes = Math.floor(2 * (rate * least + owed));
    return Math.max(MIN_WINDOW, Math.min(MAX_WINDOW, bytes));
  }

  /**
   * How many bytes a segment may have, so that it takes the path no longer than some milliseconds: a frame counts only
   * when it is whole. TCP begins slowly on a path that has delivered little.
   */
  get segment(): number {
    if (this.#total < YOUNG_BYTES) return MIN_SEGMENT;
    if (this.#rate === 0) return SEGMENT_BYTES;
    return Math.max(MIN_SEGMENT, Math.min(SEGMENT_BYTES, Math.floor(this.#rate * SEGMENT_MS)));
  }

  /** Another path begins. */
  reset(): void {
    this.#total = 0;
    this.#askedAt = undefined;
    this.#srtt = undefined;
    this.#least = Infinity;
    this.#rates = [];
    this.#rate = 0;
    this.#since = undefined;
    this.#bytes = 0;
  }
}

/** Longest wait before received bytes are acknowledged, milliseconds. */
export const ACK_DELAY_MS = 5;
/** Bytes that are acknowledged without that wait, if the last acknowledgement is some time ago, milliseconds. */
export const ACK_BYTES = 128 * 1024;
export const ACK_PAUSE_MS = 1;
/** Bytes that are acknowledged in any case: an acknowledgement costs both sides as much as 64 KiB of data. */
export const MOST_OWED_BYTES = 1024 * 1024;
/** Bytes that may always be under way. */
const MIN_WINDOW = 256 * 1024;
/** Most bytes that a session keeps for a resumption, and so the most under way. */
export const MAX_WINDOW = 16 * 1024 * 1024;
/** Least size of a segment, and how long one may take the path, milliseconds. */
const MIN_SEGMENT = 8 * 1024;
const SEGMENT_MS = 4;
/** Bytes on a path after which it can be judged. */
const YOUNG_BYTES = 128 * 1024;
/** How long bytes are counted for a sample of the rate, and how many samples count. */
const SAMPLE_MS = 4;
const SAMPLES = 16;
