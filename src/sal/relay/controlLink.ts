import type { Scheduler } from "../../node/scheduler.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import { retire, type Link, type LinkHandler } from "../transport/link.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameParser, joined, type FrameSink } from "../wire/parser.ts";
import { decodeReason, encodeReason } from "../wire/reason.ts";
import { RelayFrame } from "./frames.ts";

/** What takes the frames of a control connection. */
export interface ControlHandler {
  /** What it throws ends the connection. */
  frame(type: number, payload: Buffer): void;
  /** The connection is over; called once. */
  ended(error: BlockcloudError): void;
}

export interface ControlTimes {
  /**
   * How long this side may have said nothing before it sends a ping, milliseconds; 0: the other side asks. By what was
   * heard it could not be told: a side that hears much has nothing to say to it.
   */
  pingMs: number;
  /** How long nothing may come at all. */
  silentMs: number;
}

/** The connection between a provider and its relay, for either side: frames in order, and an end. */
export class ControlLink implements FrameSink, LinkHandler {
  readonly link: Link;
  readonly #handler: ControlHandler;
  readonly #clock: Scheduler;
  readonly #times: ControlTimes;
  readonly #parser = new FrameParser(this);
  #heardAt: number;
  #saidAt: number;
  #isOver = false;
  #cancel = () => {};

  constructor(link: Link, handler: ControlHandler, clock: Scheduler, times: ControlTimes) {
    this.link = link;
    this.#handler = handler;
    this.#clock = clock;
    this.#times = times;
    this.#heardAt = clock.monotonic();
    this.#saidAt = this.#heardAt;
    link.handler = this;
    this.#plan();
  }

  send(type: RelayFrame, payload?: Uint8Array): void {
    if (this.#isOver) return;
    this.#saidAt = this.#clock.monotonic();
    this.link.write(encodeFrame(type, 0, payload));
  }

  /** Ends the connection, and says why. */
  refuse(error: BlockcloudError): void {
    if (this.#isOver) return;
    this.send(RelayFrame.refused, encodeReason(error));
    this.#finish(error);
    retire(this.link, this.#clock);
  }

  /** Ends the connection without a word. */
  destroy(error: BlockcloudError): void {
    this.#finish(error);
    this.link.destroy();
  }

  frame(type: number, _flow: number, pieces: readonly Buffer[]): void {
    const payload = joined(pieces);
    switch (type) {
      case RelayFrame.ping:
        this.send(RelayFrame.pong);
        return;
      case RelayFrame.pong:
        return;
      case RelayFrame.refused:
        this.destroy(decodeReason(payload));
        return;
    }
    try {
      this.#handler.frame(type, payload);
    } catch (error) {
      this.refuse(asBlockcloudError(error));
    }
  }

  broken(error: BlockcloudError): void {
    this.refuse(error);
  }

  data(chunk: Buffer): void {
    this.#heardAt = this.#clock.monotonic();
    this.#parser.push(chunk);
  }

  drained(): void {
    // Its frames are small and few.
  }

  closed(cause?: Error): void {
    this.#finish(salError("noPath", "The other side closed the connection.", { cause }));
  }

  /** One timer for both times: it looks when the next of them can be over. */
  #plan(): void {
    const { pingMs, silentMs } = this.#times;
    const pingAt = pingMs > 0 ? this.#saidAt + pingMs : Infinity;
    const next = Math.min(pingAt, this.#heardAt + silentMs);
    this.#cancel = this.#clock.after(Math.max(0, next - this.#clock.monotonic()), () => {
      const now = this.#clock.monotonic();
      if (now - this.#heardAt >= silentMs) {
        this.destroy(salError("timeout", `The other side was silent for ${silentMs} ms.`));
        return;
      }
      if (pingMs > 0 && now - this.#saidAt >= pingMs) this.send(RelayFrame.ping);
      this.#plan();
    });
  }

  #finish(error: BlockcloudError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancel();
    this.#parser.stop();
    this.#handler.ended(error);
  }
}

function asBlockcloudError(error: unknown): BlockcloudError {
  if (error instanceof BlockcloudError) return error;
  return salError("protocol", "The other side's frame could not be taken.", { cause: error });
}
