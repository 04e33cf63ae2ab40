import PQueue from "p-queue";

/**
 * Work that no caller waits for. It runs with bounded concurrency and once per key; work above the queue's
 * bound is dropped.
 */
export class BackgroundQueue {
  readonly #maxWaiting: number;
  readonly #work: (key: string) => Promise<void>;
  /** Keys of the work that has not begun. */
  readonly #waiting = new Set<string>();
  readonly #queue: PQueue;

  /** @param work Must not reject. */
  constructor(limits: { atOnce: number; waiting: number }, work: (key: string) => Promise<void>) {
    this.#maxWaiting = limits.waiting;
    this.#work = work;
    this.#queue = new PQueue({ concurrency: limits.atOnce });
  }

  /** Adds work, unless it waits already or the queue is full. */
  add(key: string): void {
    if (this.#waiting.has(key) || this.#waiting.size >= this.#maxWaiting) return;
    this.#waiting.add(key);
    void this.#queue.add(() => {
      this.#waiting.delete(key);
      return this.#work(key);
    });
  }

  /** Drops the work that waits, and waits for the work that runs. */
  async stop(): Promise<void> {
    this.#waiting.clear();
    this.#queue.clear();
    await this.#queue.onIdle();
  }
}
