import type { BlockcloudError } from "../../protocol/errors.ts";
import { FLOW_CREDIT } from "../session/credit.ts";
import { Flow, type FlowHost } from "../session/flow.ts";

/** Counts the bytes of a session's flows, and bounds them. The path of bytes reads and writes numbers only. */
export interface FlowMeter {
  /** Bytes that were counted, in both directions. */
  bytes: number;
  /** `bytes` may grow up to here; then {@link reached} is asked. */
  limit: number;
  /**
   * `bytes` is at the limit, or a frame does not fit below it.
   *
   * @param needed Bytes of the frame.
   * @returns Whether that many may pass now. If not, the meter calls {@link MeteredFlow.release} later.
   */
  reached(needed: number): boolean;
  /** A flow has bytes that wait. */
  waits(flow: MeteredFlow): void;
  /** Whether bytes wait uncounted until the program reads: what it has not taken is not served. */
  readonly holdsUnread?: boolean;
  /** All that waited for the program was taken. */
  drained?(flow: MeteredFlow): void;
  /** The program sends after it has received, or for the first time. */
  turned?(flow: MeteredFlow): void;
  /** A better reason than the peer's for the end of a flow. */
  explain?(error: BlockcloudError): BlockcloudError;
}

interface Waiting {
  pieces: readonly Buffer[];
  length: number;
}

/**
 * A flow whose bytes are counted. While its meter has no room, it sends nothing and hands nothing to the program; what
 * comes meanwhile waits, within the flow's credit, so nothing is lost.
 */
export class MeteredFlow extends Flow {
  readonly #meter: FlowMeter;
  #frames: Waiting[] = [];
  #isEndWaiting = false;
  #hasReceived = true;
  /** Whether the bytes do not count for now. */
  #isWaived = false;

  constructor(host: FlowHost, id: number, port: number, meter: FlowMeter) {
    super(host, id, port);
    this.#meter = meter;
  }

  override get sendable(): number {
    const bytes = super.sendable;
    const room = this.#meter.limit - this.#meter.bytes;
    return bytes <= room || this.#isWaived ? bytes : room;
  }

  override takeInto(target: Buffer, at: number, most: number): number {
    const copied = super.takeInto(target, at, most);
    if (this.#isWaived) return copied;
    if (this.#hasReceived) {
      this.#hasReceived = false;
      this.#meter.turned?.(this);
    }
    this.#count(copied);
    return copied;
  }

  /** The bytes of the flow do not count until the returned function is called. */
  waive(): () => void {
    this.#isWaived = true;
    this.release();
    return () => {
      this.#isWaived = false;
    };
  }

  /** The meter has room again, or the program has read. */
  release(): void {
    while (this.#frames.length > 0) {
      const [first] = this.#frames;
      if (first === undefined || !this.#passes(first.length)) return;
      this.#frames.shift();
      this.waitingBytes -= first.length;
      super.accept(first.pieces, first.length);
    }
    if (this.#isEndWaiting) {
      this.#isEndWaiting = false;
      super.acceptEnd();
    }
    this.resend();
  }

  override _write(
    chunk: Buffer,
    encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    // A server may speak first: nothing has come yet that asked for room.
    const meter = this.#meter;
    if (!this.#isWaived && meter.bytes >= meter.limit) meter.reached(1);
    super._write(chunk, encoding, callback);
  }

  override read(size?: number): unknown {
    const chunk = super.read(size);
    if (chunk === null || this.#frames.length === 0) return chunk;
    this.release();
    if (this.#frames.length === 0) this.#meter.drained?.(this);
    return chunk;
  }

  override refused(error: BlockcloudError): void {
    super.refused(this.#meter.explain?.(error) ?? error);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#frames = [];
    this.#isEndWaiting = false;
    super._destroy(error, callback);
  }

  protected override accept(pieces: readonly Buffer[], length: number): void {
    this.#hasReceived = true;
    if (this.#frames.length === 0 && this.#passes(length)) {
      super.accept(pieces, length);
      return;
    }
    // They share memory with larger chunks, which must not be kept.
    this.#frames.push({ pieces: pieces.map((piece) => Buffer.from(piece)), length });
    this.waitingBytes += length;
  }

  protected override acceptEnd(): void {
    if (this.#frames.length === 0) super.acceptEnd();
    else this.#isEndWaiting = true;
  }

  #passes(length: number): boolean {
    const meter = this.#meter;
    const unread = this.readableLength;
    if (meter.holdsUnread === true && unread > 0 && unread + length > FLOW_CREDIT) {
      meter.waits(this);
      return false;
    }
    if (this.#isWaived) return true;
    if (meter.bytes + length > meter.limit && !meter.reached(length)) {
      meter.waits(this);
      return false;
    }
    this.#count(length);
    return true;
  }

  #count(bytes: number): void {
    const meter = this.#meter;
    meter.bytes += bytes;
    if (meter.bytes >= meter.limit) meter.reached(1);
  }
}
