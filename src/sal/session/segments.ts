/** Size of a pooled segment: one write of this size is the fastest that a TLS socket of Node takes. */
export const SEGMENT_BYTES = 64 * 1024;
/** A segment up to this size is allocated to measure: sessions with little to say hold little. */
const SMALL_BYTES = 16 * 1024;

/** Buffers for segments. They go back when the peer acknowledged them, so that a transfer allocates nothing. */
export class SegmentPool {
  readonly #free: Buffer[] = [];
  readonly #most: number;

  /** @param most Most buffers that are kept for reuse. */
  constructor(most = 128) {
    this.#most = most;
  }

  /** A buffer of at least `size` bytes; at most {@link SEGMENT_BYTES}. */
  take(size: number): Buffer {
    if (size <= SMALL_BYTES) return Buffer.allocUnsafeSlow(size);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SEGMENT_BYTES);
  }

  give(buffer: Buffer): void {
    if (buffer.length === SEGMENT_BYTES && this.#free.length < this.#most) this.#free.push(buffer);
  }
}

/** The pool of this process. */
export const segmentPool = new SegmentPool();
