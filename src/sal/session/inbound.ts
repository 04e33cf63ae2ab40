import type { Scheduler as Clock } from "../../node/scheduler.ts";
import { salError } from "../errors.ts";
import type { Link } from "../transport/link.ts";
import { encodeNumberFrame } from "../wire/encode.ts";
import { FrameType } from "../wire/frames.ts";
import { ACK_BYTES, ACK_DELAY_MS, ACK_PAUSE_MS, MOST_OWED_BYTES } from "./rtt.ts";

/** A link that holds this much of acknowledgements and answers gets no more of them until its peer reads, bytes. */
export const MAX_ANSWERS = 64 * 1024;

/** The peer's ordered stream as its receiver sees it: what has come, and what of it was acknowledged. */
export class Inbound {
  readonly #clock: Clock;
  #received = 0;
  #acknowledged = 0;
  #acknowledgedAt = -Infinity;
  #isHeld = false;
  /** Offset of the link's next frame: behind `#received` while frames come again. */
  #position = 0;
  #link: Link | undefined;
  #cancel: (() => void) | undefined;
  /** Whether the link was too full for an acknowledgement that is due. */
  #isDue = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Offset up to which every frame was handled. */
  get received(): number {
    return this.#received;
  }

  /**
   * The stream goes on over a link.
   *
   * @param position Offset of its first frame.
   */
  attach(link: Link, position: number): void {
    this.#link = link;
    this.#position = position;
    if (this.#received > this.#acknowledged) this.#acknowledge();
  }

  /** Offset of the present link's next frame. */
  get position(): number {
    return this.#position;
  }

  detach(): void {
    this.#link = undefined;
    this.#isHeld = false;
    this.#isDue = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /**
   * Counts an ordered frame.
   *
   * @returns Whether it is new; otherwise it came before, over another link, and is only acknowledged again.
   * @throws BlockcloudError `SAL_PROTOCOL` for a frame that begins before the first new byte and ends after it.
   */
  take(size: number): boolean {
    const isNew = this.#position === this.#received;
    this.#position += size;
    if (isNew) this.#received += size;
    else if (this.#position > this.#received) {
      throw salError("protocol", "The peer repeats its frames with other bounds.");
    }
    return isNew;
  }

  /** Counts a new ordered frame that came over another link; the present one brings it again. */
  takeLate(size: number): void {
    this.#received += size;
  }

  /** The peer is owed an acknowledgement. */
  owe(): void {
    if (this.#link === undefined || this.#isDue) return;
    if (this.#isHeld) return;
    const owed = this.#received - this.#acknowledged;
    const now = owed < ACK_BYTES ? 0 : this.#clock.monotonic();
    const isDue = owed >= ACK_BYTES && now - this.#acknowledgedAt >= ACK_PAUSE_MS;
    if (isDue || owed >= MOST_OWED_BYTES) this.#acknowledge();
    else this.#cancel ??= this.#clock.after(ACK_DELAY_MS, this.#acknowledge);
  }

  /** Nothing is acknowledged until {@link release}, or until the stream goes on over another link. */
  hold(): void {
    this.#isHeld = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#received > this.#acknowledged) this.#acknowledge();
  }

  /** The link has room again. */
  drained(): void {
    if (this.#isDue && !this.#isHeld) this.#acknowledge();
  }

  readonly #acknowledge = (): void => {
    this.#cancel?.();
    this.#cancel = undefined;
    const link = this.#link;
    // A peer that sends and does not read must not fill memory.
    this.#isDue = link !== undefined && link.queued >= MAX_ANSWERS;
    if (link === undefined || this.#isDue) return;
    this.#acknowledged = this.#received;
    this.#acknowledgedAt = this.#clock.monotonic();
    link.write(encodeNumberFrame(FrameType.ack, 0, this.#received));
  };
}
