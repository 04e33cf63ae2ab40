/**
 * Bytes that come in pieces, in one buffer which doubles when it is full. A list of pieces would cost a stranger's
 * single bytes a hundred times their memory, and joining them at each one a time that grows with the square.
 */
export class Collected {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes that have come until now: a view of this object's memory, without later bytes. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Copies a part of a chunk. */
  add(chunk: Buffer, from = 0, to = chunk.length): void {
    const length = this.#length + to - from;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#length, from, to);
    this.#length = length;
  }
}
