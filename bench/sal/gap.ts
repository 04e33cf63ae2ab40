/** Finds the gap around an event in a stream: from the last byte before to the first byte after. */
export class GapMeter {
  readonly #now: () => number;
  #last = 0;
  #widest = 0;
  #isOver = true;
  #done: ((gapMs: number) => void) | undefined;

  /** @param now Monotonic milliseconds. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** A chunk came. */
  heard(): void {
    const now = this.#now();
    if (this.#done !== undefined) {
      this.#widest = Math.max(this.#widest, now - this.#last);
      if (this.#isOver) {
        const done = this.#done;
        this.#done = undefined;
        done(this.#widest);
      }
    }
    this.#last = now;
  }

  /** The gap around this instant, in which nothing happens, milliseconds. */
  around(): Promise<number> {
    const gap = this.during();
    this.over();
    return gap;
  }

  /** The widest gap from now until the first byte after {@link over}, milliseconds. */
  during(): Promise<number> {
    this.#widest = 0;
    this.#isOver = false;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  /** The event is over: the next byte ends its gap. */
  over(): void {
    this.#isOver = true;
  }
}
