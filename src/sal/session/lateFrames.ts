import { salError } from "../errors.ts";
import type { Session } from "./session.ts";

/**
 * Frames of the ordered stream that still come over a link which the session has left. The present link brings them
 * again, but later: its TCP has just begun. So what is new here counts, and is passed over there.
 */
export class LateFrames {
  readonly #session: Session;
  /** Offset of the link's next frame. */
  #position: number;

  constructor(session: Session, position: number) {
    this.#session = session;
    this.#position = position;
  }

  /**
   * An ordered frame, as `FrameSink.frame` has it.
   *
   * @throws BlockcloudError `SAL_PROTOCOL`.
   */
  take(type: number, flow: number, pieces: readonly Buffer[], length: number, size: number): void {
    const session = this.#session;
    const isNew = this.#position === session.received;
    this.#position += size;
    if (isNew) session.takeLate(type, flow, pieces, length, size);
    else if (this.#position > session.received) {
      throw salError("protocol", "The peer repeats its frames with other bounds.");
    }
  }
}
