/** Fires if nothing happens for a while. Arm it only while the watched side must act. */
export class Watchdog {
  readonly #ms: number;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, onSilence: () => void) {
    this.#ms = ms;
    this.#onSilence = onSilence;
  }

  /** Starts the wait, or restarts it. */
  arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onSilence, this.#ms);
  }

  /** Stops the wait, because another side must act or the work is done. */
  disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
