/** Memory that all buffered answers may hold together, so that slow readers cannot fill it. */
export class BufferBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /**
   * Reserves memory.
   *
   * @returns Gives it back, and is to be called once; undefined when there is not enough.
   */
  reserve(bytes: number): (() => void) | undefined {
    if (bytes > this.#left) return undefined;
    this.#left -= bytes;
    return () => {
      this.#left += bytes;
    };
  }
}
