import { BlockcloudError } from "../../protocol/errors.ts";
import { salError, salErrors } from "../errors.ts";
import { FrameType, MAX_CONTROL, MAX_DATA, MAX_HEADER } from "./frames.ts";
import { readVarint, varintWidth } from "./varint.ts";

/** Takes the frames of a connection. */
export interface FrameSink {
  /**
   * A whole frame.
   *
   * @param pieces The payload, in parts that share memory with the chunks they came in.
   * @param length Of the payload, bytes.
   * @param size Of the frame with its header, bytes.
   */
  frame(type: number, flow: number, pieces: readonly Buffer[], length: number, size: number): void;
  /** The peer broke the protocol: `SAL_PROTOCOL`. No frame follows. */
  broken(error: BlockcloudError): void;
}

/** More pieces than this of one frame are joined: each keeps the memory of the chunk it came in. */
const MAX_PIECES = 16;

/**
 * Cuts the bytes of a connection into frames. Only a whole frame is passed on, so a frame that a lost connection cut
 * off leaves no trace. Bounded: it keeps one frame at most.
 */
export class FrameParser {
  /** May be replaced between two frames. */
  sink: FrameSink;
  /** The beginning of a header that was cut off. */
  readonly #head = Buffer.allocUnsafeSlow(MAX_HEADER);
  #headLength = 0;
  #type = 0;
  #flow = 0;
  #length = 0;
  #headerSize = 0;
  #missing = 0;
  #isInBody = false;
  #pieces: Buffer[] = [];
  #isStopped = false;

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  /** Passes on nothing more, not even the rest of the present chunk. */
  stop(): void {
    this.#isStopped = true;
    this.#pieces = [];
  }

  /** Goes on after {@link stop}, for another sink; no byte may have come in between. A frame that was begun is cut. */
  reuse(sink: FrameSink): void {
    this.sink = sink;
    this.#isStopped = false;
  }

  /** Takes the next bytes of the connection. */
  push(chunk: Buffer): void {
    try {
      this.#push(chunk);
    } catch (error) {
      if (!(error instanceof BlockcloudError) || error.code !== salErrors.protocol) throw error;
      this.stop();
      this.sink.broken(error);
    }
  }

  #push(chunk: Buffer): void {
    let at = 0;
    while (!this.#isStopped) {
      if (!this.#isInBody) {
        if (at === chunk.length) return;
        at = this.#readHeader(chunk, at);
        if (!this.#isInBody) return;
      }
      const take = Math.min(this.#missing, chunk.length - at);
      // In a transfer most chunks lie within one frame; they need no view of their own.
      if (take > 0) this.#keep(take === chunk.length ? chunk : chunk.subarray(at, at + take));
      at += take;
      this.#missing -= take;
      if (this.#missing > 0) return;
      this.#finish();
    }
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    if (this.#pieces.length > MAX_PIECES) this.#pieces = [Buffer.concat(this.#pieces)];
  }

  #finish(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#isInBody = false;
    this.sink.frame(this.#type, this.#flow, pieces, this.#length, this.#headerSize + this.#length);
  }

  /** Returns the position after the header, or the chunk's end if the header goes on in the next chunk. */
  #readHeader(chunk: Buffer, at: number): number {
    if (this.#headLength === 0) {
      const size = this.#decode(chunk, at, chunk.length);
      if (size > 0) return at + size;
    }
    // The slow path: a header over two chunks, byte by byte.
    for (let next = at; next < chunk.length;) {
      this.#head[this.#headLength++] = chunk[next++] ?? 0;
      if (this.#decode(this.#head, 0, this.#headLength) === 0) continue;
      this.#headLength = 0;
      return next;
    }
    return chunk.length;
  }

  /** Returns the size of the header at a position; 0 if it is not complete. */
  #decode(source: Buffer, at: number, end: number): number {
    if (at + 1 >= end) return 0;
    const flowWidth = varintWidth(source[at + 1] ?? 0);
    const lengthAt = at + 1 + flowWidth;
    if (flowWidth > 4) throw malformed("a flow's number of 8 bytes");
    if (lengthAt >= end) return 0;
    const lengthWidth = varintWidth(source[lengthAt] ?? 0);
    if (lengthWidth > 4) throw malformed("a length of 8 bytes");
    const bodyAt = lengthAt + lengthWidth;
    if (bodyAt > end) return 0;
    const type = source[at] ?? 0;
    const length = readVarint(source, lengthAt, lengthWidth);
    const most = type === FrameType.data ? MAX_DATA : MAX_CONTROL;
    if (length > most) {
      throw malformed(`a frame of type ${type} with ${length} bytes; at most ${most} are allowed`);
    }
    this.#type = type;
    this.#flow = readVarint(source, at + 1, flowWidth);
    this.#length = length;
    this.#headerSize = bodyAt - at;
    this.#missing = length;
    this.#isInBody = true;
    return bodyAt - at;
  }
}

function malformed(what: string): Error {
  return salError("protocol", `The peer sent ${what}.`);
}

/** The payload of a control frame as one buffer. */
export function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces;
  if (only === undefined) return Buffer.alloc(0);
  return pieces.length === 1 ? only : Buffer.concat(pieces);
}
