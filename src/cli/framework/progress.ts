import type { Writable } from "node:stream";

/** Reports long steps on standard error. */
export class Progress {
  readonly #stderr: Writable;
  /** Whether a line may be redrawn: on a terminal. */
  readonly live: boolean;
  #shown = "";

  constructor(stderr: Writable, live: boolean) {
    this.#stderr = stderr;
    this.live = live;
  }

  /** One step that stays on the screen. */
  say(message: string): void {
    this.clear();
    this.#stderr.write(`${message}\n`);
  }

  /** Shows a changing message: redrawn on a terminal; elsewhere one line for each new message. */
  update(message: string): void {
    if (message === this.#shown) return;
    this.#shown = message;
    this.#stderr.write(this.live ? `\r\u001b[2K${message}` : `${message}\n`);
  }

  /** Ends the message of {@link update}. */
  clear(): void {
    if (this.live && this.#shown !== "") this.#stderr.write("\r\u001b[2K");
    this.#shown = "";
  }
}
