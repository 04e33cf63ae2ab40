/** Calls that wait until something may have changed, and then look again. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  get size(): number {
    return this.#waiting.size;
  }

  /** @param added Called when the caller counts as waiting. */
  async wait(added: () => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = () => {
      resolve(undefined);
    };
    this.#waiting.add(wake);
    added();
    await promise;
    this.#waiting.delete(wake);
  }

  wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
