/** A number of places that are taken one by one; whoever finds none waits its turn, first come first served. */
export class Slots {
  readonly #count: number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** Places that are taken now. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether the next one has to wait. */
  get full(): boolean {
    return this.#taken >= this.#count;
  }

  /**
   * Takes a place.
   *
   * @returns Gives it back, and is to be called once.
   * @throws The signal's reason, when it is aborted before there is a place.
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.full) await this.#turn(signal);
    else this.#taken += 1;
    return () => {
      this.#giveBack();
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(go);
        const reason: unknown = signal.reason;
        reject(reason);
      };
      this.#waiting.add(go);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** Hands the place to the next in line: it is never free in between. */
  #giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
