/** Memory that all buffered answers may hold together, so that slow readers cannot fill it. */
export class BufferBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /**
   * Reserves memory.
   *
   * @returns Gives it back, once; undefined when there is not enough.
   */
  reserve(bytes: number): (() => void) | undefined {
    if (bytes > this.#left) return undefined;
    this.#left -= bytes;
    let held = bytes;
    return () => {
      this.#left += held;
      held = 0;
    };
  }
}
