import type { Scheduler } from "../../node/scheduler.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import { retire, type Link, type LinkHandler } from "../transport/link.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType } from "../wire/frames.ts";
import { FrameParser, joined, type FrameSink } from "../wire/parser.ts";
import { decodeReason, encodeReason } from "../wire/reason.ts";

interface Waiting {
  take(type: number, payload: Buffer): void;
  fail(error: Error): void;
}

/**
 * The frames of a link before it belongs to a session: one at a time, each when it is expected. Any other frame breaks
 * the protocol.
 */
export class Greeting implements FrameSink, LinkHandler {
  readonly link: Link;
  readonly parser: FrameParser;
  readonly #clock: Scheduler;
  readonly #isUsed: boolean;
  #waiting: Waiting | undefined;
  #failure: BlockcloudError | undefined;
  #isClosed = false;

  /** @param parser Of a link that has carried a session before, between two frames. */
  constructor(link: Link, clock: Scheduler, parser?: FrameParser) {
    this.link = link;
    this.#clock = clock;
    this.#isUsed = parser !== undefined;
    this.parser = parser ?? new FrameParser(this);
    this.parser.reuse(this);
    link.handler = this;
  }

  /** Why the link is of no use, as far as it is known; a link that fails now gives no more frames. */
  get failure(): BlockcloudError | undefined {
    return this.#failure;
  }

  /**
   * Waits for the next frame.
   *
   * @param handle Called with the frame before the next one is read, so that it may give the link to a session. What
   *   it throws refuses the peer.
   */
  next<T>(handle: (type: number, payload: Buffer) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#waiting = {
        take: (type, payload) => {
          resolve(handle(type, payload));
        },
        fail: reject,
      };
    });
  }

  send(type: FrameType, payload: Buffer): void {
    this.link.write(encodeFrame(type, 0, payload));
  }

  /** Ends the link, and says why; a peer that does not read it keeps the connection only for a time. */
  refuse(error: BlockcloudError): void {
    this.#fail(error);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.send(FrameType.refused, encodeReason(error));
    retire(this.link, this.#clock);
  }

  /** Gives the link away: no more frames are read here. */
  release(): Link {
    this.parser.stop();
    this.#isClosed = true;
    return this.link;
  }

  /** Ends the link without a word. */
  abandon(error: unknown): void {
    this.#fail(error);
    this.#isClosed = true;
    this.link.destroy();
  }

  frame(type: number, _flow: number, pieces: readonly Buffer[]): void {
    const payload = joined(pieces);
    // A link that has carried a session may owe an answer to it.
    if (type === FrameType.pong && this.#isUsed) return;
    if (type === FrameType.refused) {
      this.abandon(decodeReason(payload));
      return;
    }
    const waiting = this.#waiting;
    if (waiting === undefined) throw salError("protocol", `The peer sent type ${type} too early.`);
    this.#waiting = undefined;
    try {
      waiting.take(type, payload);
    } catch (error) {
      // The caller of `next` decides how the link ends; until then nothing more is read.
      this.#fail(error);
      waiting.fail(error as Error);
    }
  }

  broken(error: BlockcloudError): void {
    this.refuse(error);
  }

  data(chunk: Buffer): void {
    this.parser.push(chunk);
  }

  drained(): void {
    // A greeting is short.
  }

  closed(error?: Error): void {
    this.#isClosed = true;
    const why = "The other side closed the connection during the handshake.";
    this.#fail(salError("noPath", why, { cause: error }));
  }

  #fail(error: unknown): void {
    this.#failure ??= asBlockcloudError(error);
    this.parser.stop();
    this.#waiting?.fail(this.#failure);
    this.#waiting = undefined;
  }
}

/** The reason of an aborted signal may be anything. */
function asBlockcloudError(error: unknown): BlockcloudError {
  if (error instanceof BlockcloudError) return error;
  return salError("cancelled", "The handshake was given up.", { cause: error });
}
