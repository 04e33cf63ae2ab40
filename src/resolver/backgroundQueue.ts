/** Work that nobody waits for: a few at once, each key once, bounded; what is too much is left out. */
export class BackgroundQueue {
  readonly #limits: { atOnce: number; waiting: number };
  readonly #work: (key: string) => Promise<void>;
  readonly #keys = new Set<string>();
  readonly #running = new Set<Promise<void>>();

  /** @param work Must not reject. */
  constructor(limits: { atOnce: number; waiting: number }, work: (key: string) => Promise<void>) {
    this.#limits = limits;
    this.#work = work;
  }

  /** Adds a work, unless it waits already or too many do. */
  add(key: string): void {
    if (this.#keys.size >= this.#limits.waiting) return;
    this.#keys.add(key);
    this.#next();
  }

  /** Forgets what waits, and waits for what runs. */
  async stop(): Promise<void> {
    this.#keys.clear();
    await Promise.all(this.#running);
  }

  #next(): void {
    for (const key of this.#keys) {
      if (this.#running.size >= this.#limits.atOnce) return;
      this.#keys.delete(key);
      const running: Promise<void> = this.#work(key).finally(() => {
        this.#running.delete(running);
        this.#next();
      });
      this.#running.add(running);
    }
  }
}
