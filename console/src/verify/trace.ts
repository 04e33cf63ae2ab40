/** A value by epoch, with as much of its history as the recounted epochs need. */
export class Trace<T> {
  #entries: { since: number; value: T }[] = [];

  /**
   * @param oldest Epoch before which no value is asked for.
   */
  set(since: number, value: T, oldest: number): void {
    // A later change that counts from the same epoch replaces the earlier one.
    this.#entries = this.#entries.filter((entry) => entry.since < since);
    this.#entries.push({ since, value });
    const [, next] = this.#entries;
    if (next !== undefined && next.since <= oldest) this.#entries.shift();
  }

  at(epoch: number): T | undefined {
    return this.#entries.findLast(({ since }) => since <= epoch)?.value;
  }
}
