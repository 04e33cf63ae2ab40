import { salError } from "../errors.ts";
import type { SegmentPool } from "./segments.ts";

interface Segment {
  /** The whole buffer, for the pool. */
  buffer: Buffer;
  /** The part that is used. */
  bytes: Buffer;
  from: number;
  to: number;
  /** Whether only the present link was given the buffer: an older one may still hold it when the peer has it. */
  isReusable: boolean;
}

/** Memory of a segment besides its buffer, about, bytes: else a peer could make a process keep very many tiny ones. */
const OVERHEAD_BYTES = 256;

/**
 * One direction of a session as its sender sees it: the bytes of the ordered stream from the peer's acknowledgement
 * on. They are kept until they are acknowledged, so that another connection can go on at any frame.
 *
 * `acknowledged <= sent <= end`; after a rewind the peer may acknowledge more than the new link was sent.
 */
export class Replay {
  readonly #pool: SegmentPool;
  /** Segments with bytes that are not acknowledged, in order; from `#first` on. */
  #segments: Segment[] = [];
  #first = 0;
  /** Index of the segment with the next byte to send. */
  #next = 0;
  #acknowledged = 0;
  #sent = 0;
  /** The highest `sent` so far. */
  #sentOnce = 0;
  #end = 0;
  /** Memory of the kept segments. */
  #held = 0;

  constructor(pool: SegmentPool) {
    this.#pool = pool;
  }

  /** Offset up to which the peer has everything. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Offset up to which the present link was given everything. */
  get sent(): number {
    return this.#sent;
  }

  /** Offset after the last appended byte. */
  get end(): number {
    return this.#end;
  }

  /** Bytes that are appended and not acknowledged. */
  get unacknowledged(): number {
    return this.#end - this.#acknowledged;
  }

  /** Memory that is kept, bytes: of whole buffers. */
  get held(): number {
    return this.#held;
  }

  /** Whether there are bytes that the present connection was not given. */
  get hasUnsent(): boolean {
    return this.#sent < this.#end;
  }

  /** Appends whole frames: `length` bytes of a buffer that this class owns from now on. */
  append(buffer: Buffer, length: number): void {
    // A buffer that is less than half full is kept as a copy of that size.
    const kept = 2 * length < buffer.length ? this.#shrunk(buffer, length) : buffer;
    const bytes = length === kept.length ? kept : kept.subarray(0, length);
    const from = this.#end;
    this.#segments.push({ buffer: kept, bytes, from, to: from + length, isReusable: true });
    this.#end += length;
    this.#held += kept.length + OVERHEAD_BYTES;
  }

  #shrunk(buffer: Buffer, length: number): Buffer {
    const copy = Buffer.allocUnsafeSlow(length);
    buffer.copy(copy, 0, 0, length);
    this.#pool.give(buffer);
    return copy;
  }

  /** The next bytes for the connection; undefined if it has them all. */
  take(): Buffer | undefined {
    const segment = this.#segments[this.#next];
    if (segment === undefined) return undefined;
    const skip = this.#sent - segment.from;
    this.#next += 1;
    this.#sent = segment.to;
    this.#sentOnce = Math.max(this.#sentOnce, this.#sent);
    return skip > 0 ? segment.bytes.subarray(skip) : segment.bytes;
  }

  /** The bytes from an offset on, to the end of their segment, for a link besides the present one; undefined at the end. */
  from(offset: number): Buffer | undefined {
    for (let index = this.#segments.length - 1; index >= this.#first; index -= 1) {
      const segment = this.#segments[index];
      if (segment === undefined || segment.from > offset || segment.to <= offset) continue;
      segment.isReusable = false;
      this.#sentOnce = Math.max(this.#sentOnce, segment.to);
      return segment.bytes.subarray(offset - segment.from);
    }
    return undefined;
  }

  /**
   * The peer has everything up to an offset.
   *
   * @throws BlockcloudError `SAL_PROTOCOL` for an offset that was not sent.
   */
  acknowledge(offset: number): void {
    if (offset > this.#sentOnce) {
      const sent = this.#sentOnce;
      throw salError("protocol", `The peer acknowledges ${offset} bytes; ${sent} were sent to it.`);
    }
    // The present link must get every byte from where it began: the peer counts them.
    const usable = Math.min(offset, this.#sent);
    if (usable <= this.#acknowledged) return;
    this.#acknowledged = usable;
    let segment = this.#segments[this.#first];
    while (segment !== undefined && segment.to <= usable) {
      this.#held -= segment.buffer.length + OVERHEAD_BYTES;
      if (segment.isReusable) this.#pool.give(segment.buffer);
      this.#first += 1;
      segment = this.#segments[this.#first];
    }
    if (this.#first < 64 && this.#first < this.#segments.length) return;
    this.#segments = this.#segments.slice(this.#first);
    this.#next -= this.#first;
    this.#first = 0;
  }

  /**
   * Another connection goes on at an offset.
   *
   * @returns Whether the peer can have everything up to there, and the bytes from there on are kept; if not, nothing
   *   has changed.
   */
  rewind(offset: number): boolean {
    if (offset < this.#acknowledged || offset > this.#sentOnce) return false;
    this.#sent = offset;
    this.#next = this.#segments.findIndex(({ to }) => to > offset);
    if (this.#next < 0) this.#next = this.#segments.length;
    for (const segment of this.#segments) segment.isReusable = false;
    this.acknowledge(offset);
    return true;
  }

  /** Gives all memory back; the session is over. */
  clear(): void {
    this.#segments = [];
    this.#first = 0;
    this.#next = 0;
    this.#held = 0;
  }
}
