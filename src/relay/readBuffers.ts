/** Sizes of buffers: of a connection that has little to say, of one that has more, and of a transfer. */
export const SMALL_BYTES = 1024;
export const MIDDLE_BYTES = 16 * 1024;
export const LARGE_BYTES = 256 * 1024;

/** Large buffers that are used again. Their number is bounded, so that many connections cannot fill memory. */
export class ReadBuffers {
  readonly #free: Buffer[] = [];
  #left: number;

  /** @param most Large buffers that may exist. */
  constructor(most = 256) {
    this.#left = most;
  }

  /** Undefined if all are in use. Give it back, or {@link lose} it. */
  take(): Buffer | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#left === 0) return free;
    this.#left -= 1;
    return Buffer.allocUnsafeSlow(LARGE_BYTES);
  }

  give(buffer: Buffer): void {
    this.#free.push(buffer);
  }

  /** Some buffers are not given back: a connection that was destroyed may still hold them. */
  lose(count: number): void {
    this.#left += count;
  }
}
