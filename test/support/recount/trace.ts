/** A value that changes from an epoch on, as docs/protocol.md, section 3.1 has it. */
export class Trace<Value> {
  readonly #initial: Value;
  readonly #changes: { since: number; value: Value }[] = [];

  constructor(initial: Value) {
    this.#initial = initial;
  }

  /** Sets what counts from `since` on; a second change for the same epoch replaces the first, or undoes it. */
  set(since: number, value: Value): void {
    if (this.#changes.at(-1)?.since === since) this.#changes.pop();
    if (value !== this.newest) this.#changes.push({ since, value });
  }

  /** What counts in an epoch. */
  at(epoch: number): Value {
    return this.#changes.findLast(({ since }) => since <= epoch)?.value ?? this.#initial;
  }

  /** What will count, once everything that is announced does. */
  get newest(): Value {
    return this.#changes.at(-1)?.value ?? this.#initial;
  }

  /** From when on the newest value counts; 0 where it always did. */
  get since(): number {
    return this.#changes.at(-1)?.since ?? 0;
  }
}
