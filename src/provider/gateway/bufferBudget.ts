/** Bounds the memory of all buffered responses together, so that slow clients cannot fill it. */
export class BufferBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /**
   * Reserves memory.
   *
   * @returns A function that releases the memory and must be called once; undefined if there is not enough.
   */
  reserve(bytes: number): (() => void) | undefined {
    if (bytes > this.#left) return undefined;
    this.#left -= bytes;
    return () => {
      this.#left += bytes;
    };
  }
}
