import type { Scheduler } from "../../node/scheduler.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import { MAX_ANSWERS } from "../session/inbound.ts";
import type { OldLink } from "../session/oldLink.ts";
import { retire, type LinkHandler } from "../transport/link.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType, isOrdered } from "../wire/frames.ts";
import { joined, type FrameSink } from "../wire/parser.ts";
import { encodeReason } from "../wire/reason.ts";

export interface StandbyParts {
  /**
   * The client asks to go on over this link.
   *
   * @returns Whether it may: the link is the session's again.
   * @throws BlockcloudError `SAL_PROTOCOL`.
   */
  resume(payload: Buffer): boolean;
  /** Called once when the link is of no more use. */
  gone(): void;
}

/**
 * The provider's end of a relayed link whose session goes on over a direct one. The client may come back over it by
 * RESUME. While the direct link's TCP begins, both are used: what comes here is taken, and what is new is sent here, too,
 * before MOVED.
 */
export class StandbyLink implements FrameSink, LinkHandler {
  readonly #old: OldLink;
  readonly #clock: Scheduler;
  readonly #parts: StandbyParts;
  #heardAt: number;
  #isGone = false;
  #isTaken = false;
  #hasMoved = false;
  readonly #cancel: () => void;

  constructor(old: OldLink, clock: Scheduler, parts: StandbyParts) {
    this.#old = old;
    this.#clock = clock;
    this.#parts = parts;
    this.#heardAt = clock.monotonic();
    old.parser.reuse(this);
    old.link.handler = this;
    old.sendOn();
    this.#cancel = clock.after(old.besideMs, () => {
      this.#moved();
    });
  }

  close(): void {
    if (!this.#isTaken && this.#end()) this.#old.link.destroy();
  }

  /** Gives the link up if nothing has come for a time. */
  forsake(silentMs: number): void {
    if (this.#clock.monotonic() - this.#heardAt >= silentMs) this.close();
  }

  frame(type: number, flow: number, pieces: readonly Buffer[], length: number, size: number): void {
    const { link } = this.#old;
    if (isOrdered(type)) {
      this.#old.take(type, flow, pieces, length, size);
    } else if (type === FrameType.ping && link.queued < MAX_ANSWERS) {
      // The client wants to come back, and waits for the session's last frame here.
      this.#moved();
      link.write(encodeFrame(FrameType.pong));
    } else if (type === FrameType.resume) {
      // The session closes the link that it kept when it goes on over one of a relay: this one stays.
      this.#isTaken = true;
      const isOurs = this.#parts.resume(joined(pieces));
      this.#isTaken = false;
      if (isOurs) this.#end();
      else this.#refuse(salError("lost", "The session cannot be resumed here."));
    }
  }

  broken(error: BlockcloudError): void {
    this.#isTaken = false;
    this.#refuse(error);
  }

  data(chunk: Buffer): void {
    this.#heardAt = this.#clock.monotonic();
    this.#old.parser.push(chunk);
  }

  drained(): void {
    // Answers that found no room are not owed.
    this.#old.drained();
  }

  closed(): void {
    this.#end();
  }

  /** The session sends no more over this link. */
  #moved(): void {
    if (this.#hasMoved) return;
    this.#hasMoved = true;
    this.#cancel();
    this.#old.stop();
    this.#old.link.write(encodeFrame(FrameType.moved));
  }

  #refuse(error: BlockcloudError): void {
    if (!this.#end()) return;
    const { link, parser } = this.#old;
    parser.stop();
    link.write(encodeFrame(FrameType.refused, 0, encodeReason(error)));
    retire(link, this.#clock);
  }

  #end(): boolean {
    if (this.#isGone) return false;
    this.#isGone = true;
    this.#cancel();
    this.#old.stop();
    this.#parts.gone();
    return true;
  }
}
