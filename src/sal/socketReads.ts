import type { OnReadOpts, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { SEGMENT_BYTES, segmentPool } from "./session/segments.ts";

/** Buffer of a connection that has little to say, bytes; a read that fills it is followed by large ones. */
const SMALL_BYTES = 4 * 1024;

/**
 * Reads a connection into buffers that are used again, and writes them to a flow. A stream of `node:net` allocates a
 * buffer of 64 KiB for each read, and collecting them costs a quarter of a transfer's processor time.
 *
 * Give {@link onread} to `connect`; nothing is read beyond the first bytes until {@link pipeTo}.
 */
export class SocketReads {
  readonly onread: OnReadOpts;
  /** Buffers whose bytes wait in the flow, in order. */
  readonly #waiting: Buffer[] = [];
  #isLarge = false;
  #small: Buffer | undefined;
  /** Bytes that came before {@link pipeTo}: the connection is paused after the first of them. */
  readonly #early: [chunk: Buffer, whole: Buffer][] = [];
  #deliver = (chunk: Buffer, whole: Buffer): boolean => {
    this.#early.push([chunk, whole]);
    return false;
  };

  constructor() {
    this.onread = {
      buffer: () => this.#next(),
      callback: (length, buffer) => {
        this.#isLarge = length >= SMALL_BYTES;
        const whole = buffer as Buffer;
        return this.#deliver(whole.subarray(0, length), whole);
      },
    };
  }

  /**
   * Writes everything that comes to a flow; the connection is paused while the flow takes no more.
   *
   * @param read Called with the bytes of each read.
   */
  pipeTo(flow: Duplex, socket: Socket, read: (bytes: number) => void): void {
    const taken = (error?: Error | null) => {
      const buffer = this.#waiting.shift();
      // A flow that was destroyed may still hold its bytes.
      if (error) return;
      if (buffer !== undefined) this.#give(buffer);
      if (flow.writableLength < flow.writableHighWaterMark) socket.resume();
    };
    this.#deliver = (chunk, whole) => {
      read(chunk.length);
      this.#waiting.push(whole);
      return flow.write(chunk, taken);
    };
    const early = this.#early.splice(0);
    const hasRoom = early.map(([chunk, whole]) => this.#deliver(chunk, whole));
    if (!hasRoom.includes(false)) socket.resume();
  }

  #next(): Buffer {
    if (this.#isLarge) return segmentPool.take(SEGMENT_BYTES);
    const small = this.#small ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
    this.#small = undefined;
    return small;
  }

  #give(buffer: Buffer): void {
    if (buffer.length === SMALL_BYTES) this.#small = buffer;
    else segmentPool.give(buffer);
  }
}
