/** Most entries of a memory; the oldest go first. */
const LARGEST = 20_000;

/** Remembers what does not change: each key is read once. A read that fails is read again. */
export class Memory<V> {
  readonly #entries = new Map<string, Promise<V>>();

  get(key: string, read: () => Promise<V>): Promise<V> {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const value = read();
    this.#entries.set(key, value);
    value.catch(() => this.#entries.delete(key));
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > LARGEST && oldest !== undefined) this.#entries.delete(oldest);
    return value;
  }
}
