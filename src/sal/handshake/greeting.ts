import type { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import type { Link, LinkHandler } from "../transport/link.ts";
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
  #waiting: Waiting | undefined;
  #failure: Error | undefined;

  constructor(link: Link) {
    this.link = link;
    this.parser = new FrameParser(this);
    link.handler = this;
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

  /** Ends the link, and says why. */
  refuse(error: BlockcloudError): void {
    this.#fail(error);
    this.send(FrameType.refused, encodeReason(error));
    this.link.end();
  }

  /** Ends the link without a word. */
  abandon(error: Error): void {
    this.#fail(error);
    this.link.destroy();
  }

  frame(type: number, _flow: number, pieces: readonly Buffer[]): void {
    const payload = joined(pieces);
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
      // Whoever waits decides how the link ends; until then nothing more is read.
      this.parser.stop();
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
    const why = "The other side closed the connection during the handshake.";
    this.#fail(salError("noPath", why, { cause: error }));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.parser.stop();
    this.#waiting?.fail(error);
    this.#waiting = undefined;
  }
}
