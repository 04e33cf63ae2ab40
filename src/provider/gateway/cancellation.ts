/** Gives up a task once, with a reason: what an AbortController does, without an event target for each request. */
export class Cancellation {
  #reason: Error | undefined;
  #act: ((reason: Error) => void) | undefined;

  /** Why the task was given up; undefined while it was not. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Gives the task up; later calls change nothing. */
  cancel(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#act?.(reason);
  }

  /** Sets what to do when the task is given up, in place of what was set before. */
  onCancel(act: (reason: Error) => void): void {
    this.#act = act;
  }

  /** Throws the reason if the task was given up. */
  throwIfCancelled(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }
}
