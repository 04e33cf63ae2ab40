import { frameSize, writeHeader } from "../wire/encode.ts";
import { FrameType, MAX_HEADER } from "../wire/frames.ts";
import { varintSize } from "../wire/varint.ts";
import type { Flow } from "./flow.ts";
import { SEGMENT_BYTES, type SegmentPool } from "./segments.ts";

/** Bytes of one flow before another flow has its turn. */
const QUANTUM = 16 * 1024;
/** A flow that has sent less goes before those that have sent more. */
const SHORT_BYTES = 64 * 1024;
/** Memory of a waiting control frame besides its bytes, about. */
const OVERHEAD_BYTES = 128;

/** A segment of whole frames. */
export interface ComposedSegment {
  buffer: Buffer;
  length: number;
}

/**
 * Chooses what a session sends next: control frames, then flows that are new or short, then all others in turn, 16 KiB
 * each. So a new flow does not wait behind a large transfer.
 */
export class Scheduler {
  readonly #pool: SegmentPool;
  #control: Buffer[] = [];
  #controlBytes = 0;
  #short: Flow[] = [];
  #long: Flow[] = [];

  constructor(pool: SegmentPool) {
    this.#pool = pool;
  }

  get hasControl(): boolean {
    return this.#control.length > 0;
  }

  get hasFlows(): boolean {
    return this.#short.length > 0 || this.#long.length > 0;
  }

  /** Sends a control frame before all bytes of flows; returns how much memory those that wait take. */
  control(frame: Buffer): number {
    this.#control.push(frame);
    this.#controlBytes += frame.length;
    return this.#controlBytes + this.#control.length * OVERHEAD_BYTES;
  }

  /** The flow may have something to send. */
  ready(flow: Flow): void {
    if (flow.isQueued || (flow.sendable === 0 && !flow.isEndDue)) return;
    flow.isQueued = true;
    (flow.bytesWritten < SHORT_BYTES ? this.#short : this.#long).push(flow);
  }

  /**
   * Composes the next segment.
   *
   * @param room Bytes that may be under way besides those that are; control frames go out in any case.
   * @param size Longest segment; at least 8 KiB, so that every control frame fits.
   */
  compose(room: number, size = SEGMENT_BYTES): ComposedSegment | undefined {
    const most = this.hasControl ? size : Math.min(size, room);
    const wanted = this.#controlBytes + (room > 0 ? this.#sendable(most) : 0);
    if (wanted === 0) return undefined;
    const buffer = this.#pool.take(Math.min(size, wanted));
    let length = this.#writeControl(buffer);
    if (this.#control.length === 0 && room > 0) length = this.#writeFlows(buffer, length, room);
    if (length > 0) return { buffer, length };
    this.#pool.give(buffer);
    return undefined;
  }

  /** Forgets everything; the session is over. */
  clear(): void {
    this.#control = [];
    this.#controlBytes = 0;
    this.#short = [];
    this.#long = [];
  }

  /** Bytes that flows could send, with headers, counted up to `most`. */
  #sendable(most: number): number {
    let bytes = 0;
    for (const queue of [this.#short, this.#long]) {
      for (const flow of queue) {
        bytes += flow.sendable + 2 * MAX_HEADER;
        if (bytes >= most) return most;
      }
    }
    return bytes;
  }

  #writeControl(buffer: Buffer): number {
    let at = 0;
    let count = 0;
    for (const frame of this.#control) {
      if (at + frame.length > buffer.length) break;
      frame.copy(buffer, at);
      at += frame.length;
      count += 1;
    }
    this.#control = count === this.#control.length ? [] : this.#control.slice(count);
    this.#controlBytes -= at;
    return at;
  }

  #writeFlows(buffer: Buffer, start: number, room: number): number {
    let at = start;
    const end = Math.min(buffer.length, start + room);
    for (;;) {
      const flow = this.#short[0] ?? this.#long[0];
      if (flow === undefined) return at;
      const isAlone = this.#short.length + this.#long.length === 1;
      const space = end - at - MAX_HEADER;
      if (space <= 0) return at;
      this.#leaveQueue();
      const most = Math.min(space, isAlone ? space : QUANTUM, flow.sendable);
      at = most > 0 ? writeData(buffer, at, flow, most) : at;
      if (flow.isEndDue) {
        const size = frameSize(flow.id, 0);
        if (at + size > buffer.length) {
          this.ready(flow);
          return at;
        }
        writeHeader(buffer, at, FrameType.fin, flow.id, 0);
        at += size;
        flow.finished();
      } else {
        this.ready(flow);
      }
    }
  }

  #leaveQueue(): void {
    const flow = this.#short.shift() ?? this.#long.shift();
    if (flow !== undefined) flow.isQueued = false;
  }
}

/** Writes a DATA frame of up to `most` bytes; returns the position after it. */
function writeData(buffer: Buffer, at: number, flow: Flow, most: number): number {
  const lengthSize = varintSize(most);
  const bodyAt = at + 1 + varintSize(flow.id) + lengthSize;
  const length = flow.takeInto(buffer, bodyAt, most);
  if (length === 0) return at;
  writeHeader(buffer, at, FrameType.data, flow.id, length, lengthSize);
  return bodyAt + length;
}
