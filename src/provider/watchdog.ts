/** Fires when nothing has happened for a while. Armed only while it is the watched side's turn. */
export class Watchdog {
  readonly #ms: number;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, onSilence: () => void) {
    this.#ms = ms;
    this.#onSilence = onSilence;
  }

  /** Starts to wait, or starts again. */
  arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onSilence, this.#ms);
  }

  /** Stops waiting: it is somebody else's turn, or all is done. */
  disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
