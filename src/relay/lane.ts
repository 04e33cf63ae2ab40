import type { OnReadOpts, Socket } from "node:net";
import type { Scheduler } from "../node/scheduler.ts";
import { LARGE_BYTES, MIDDLE_BYTES, SMALL_BYTES, type ReadBuffers } from "./readBuffers.ts";
import type { Share } from "./share.ts";

/** Memory that may wait for the slower side before the faster one is read no more, and when it is read again. */
const QUEUE_BYTES = 256 * 1024;
const RESUME_BYTES = 64 * 1024;

/** From one size of buffers to the next. */
const STEP = MIDDLE_BYTES / SMALL_BYTES;

/** Bytes that wait to be written. */
interface Kept {
  chunk: Buffer;
  /** Memory that they hold. */
  size: number;
  /** The whole of it, if it may be used again. */
  buffer?: Buffer;
}

export interface LaneParts {
  clock: Scheduler;
  buffers: ReadBuffers;
  /** Of the provider, and of the relay: the slower and the fuller one counts. */
  shares: readonly Share[];
  /** Bytes that were passed on. */
  carried(bytes: number): void;
}

/** One direction of a pair of connections. What one side cannot take waits here, up to a bound, and then at the other. */
export class Lane {
  /** For the connection that is read. */
  readonly onread: OnReadOpts = {
    buffer: () => {
      this.#armed = this.#next();
      return this.#armed;
    },
    callback: (length, buffer) => this.#read(length, buffer as Buffer),
  };
  readonly #parts: LaneParts;
  #from: Socket | undefined;
  #to: Socket | undefined;
  /** The buffer of the next read, its size, and a smaller one that is free. */
  #armed: Buffer | undefined;
  #size = SMALL_BYTES;
  #spare: Buffer | undefined;
  /** Memory of the bytes that wait, and how many large buffers are in it. */
  #waiting = 0;
  #large = 0;
  #isPaced = false;
  #isOver = false;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /**
   * Begins to pass on.
   *
   * @param early Bytes that were read before.
   */
  join(from: Socket, to: Socket, early: readonly Buffer[]): void {
    this.#from = from;
    this.#to = to;
    let mayRead = true;
    for (const chunk of early) mayRead = this.#pass({ chunk, size: chunk.length });
    if (mayRead) from.resume();
  }

  /** Both connections are closed. */
  end(): void {
    this.#isOver = true;
    const isArmed = this.#armed?.length === LARGE_BYTES;
    this.#parts.buffers.lose(this.#large + (isArmed ? 1 : 0));
    for (const share of this.#parts.shares) share.left(this.#waiting);
    this.#armed = undefined;
  }

  /** Passes on the beginning of a buffer; returns whether more may be read now. */
  #read(length: number, buffer: Buffer): boolean {
    // A stream gives chunks of its own.
    if (buffer !== this.#armed) return this.#pass({ chunk: buffer, size: buffer.length });
    this.#armed = undefined;
    const size = buffer.length;
    if (length === size) this.#size = Math.min(LARGE_BYTES, size * STEP);
    else this.#size = length < size / STEP ? Math.max(SMALL_BYTES, size / STEP) : size;
    if (size < LARGE_BYTES || length >= MIDDLE_BYTES) {
      const chunk = length === size ? buffer : buffer.subarray(0, length);
      return this.#pass({ chunk, size, buffer });
    }
    // A large buffer is not kept for few bytes.
    const chunk = Buffer.allocUnsafeSlow(length);
    buffer.copy(chunk, 0, 0, length);
    this.#parts.buffers.give(buffer);
    return this.#pass({ chunk, size: length });
  }

  #pass(kept: Kept): boolean {
    const { shares, carried } = this.#parts;
    const { length } = kept.chunk;
    carried(length);
    this.#wait(kept, 1);
    this.#to?.write(kept.chunk, (error) => {
      this.#written(kept, error ?? undefined);
    });
    let waitMs = 0;
    for (const { rate } of shares) waitMs = Math.max(waitMs, rate.carry(length));
    if (waitMs > 0) this.#pace(waitMs);
    return !this.#isPaced && this.#waiting < (this.#isFull ? 1 : QUEUE_BYTES);
  }

  #wait({ size, buffer }: Kept, sign: 1 | -1): void {
    this.#waiting += sign * size;
    for (const share of this.#parts.shares) share.queue(sign * size);
    if (buffer?.length === LARGE_BYTES) this.#large += sign;
  }

  #written(kept: Kept, error: Error | undefined): void {
    if (this.#isOver) return;
    this.#wait(kept, -1);
    const { buffer } = kept;
    if (buffer?.length === LARGE_BYTES) {
      if (error === undefined) this.#parts.buffers.give(buffer);
      else this.#parts.buffers.lose(1);
    } else if (buffer?.length === MIDDLE_BYTES && this.#size > SMALL_BYTES) {
      // A connection that has little to say keeps none.
      this.#spare = buffer;
    }
    this.#goOn();
  }

  #goOn(): void {
    if (this.#isPaced || this.#waiting > (this.#isFull ? 0 : RESUME_BYTES)) return;
    this.#from?.resume();
  }

  #pace(milliseconds: number): void {
    if (this.#isPaced) return;
    this.#isPaced = true;
    this.#parts.clock.after(milliseconds, () => {
      this.#isPaced = false;
      this.#goOn();
    });
  }

  get #isFull(): boolean {
    return this.#parts.shares.some(({ isFull }) => isFull);
  }

  /** The buffer of the next read: as large as what came last lets expect. */
  #next(): Buffer {
    const large =
      this.#size === LARGE_BYTES && !this.#isFull ? this.#parts.buffers.take() : undefined;
    if (large !== undefined) return large;
    const size = Math.min(this.#size, MIDDLE_BYTES);
    const spare = this.#spare;
    this.#spare = undefined;
    return size === MIDDLE_BYTES && spare !== undefined ? spare : Buffer.allocUnsafeSlow(size);
  }
}
