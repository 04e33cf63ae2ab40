import { Duplex } from "node:stream";
import { BlockcloudError } from "../../protocol/errors.ts";
import { salError } from "../errors.ts";
import { FLOW_CREDIT, MAX_FLOW_CREDIT, type CreditPool } from "./credit.ts";

/** The session of a flow, as the flow needs it. */
export interface FlowHost {
  readonly credit: CreditPool;
  /** Monotonic milliseconds. */
  now(): number;
  /** Smoothed round-trip time, milliseconds. */
  readonly srtt: number;
  /** The flow has bytes or an end to send. */
  ready(flow: Flow): void;
  /** The reader took bytes: the flow may receive up to `limit` in all. */
  grant(flow: Flow, limit: number): void;
  /** The flow is over; `error` says why, unless both directions ended complete. */
  over(flow: Flow, error: BlockcloudError | undefined): void;
}

/**
 * A flow of a session: a stream of bytes in both directions, each with an end of its own. It survives moves of either
 * side. A direction that ended complete ends the stream; any other end is an error, so that half a transfer never
 * looks like a whole one.
 *
 * @example
 * const flow = await client.connect("weather.bloc.alt", { port: 80 });
 * flow.end("GET / HTTP/1.0\r\n\r\n");
 * for await (const chunk of flow) process.stdout.write(chunk);
 */
export class Flow extends Duplex {
  /** Number of the flow in its session. */
  readonly id: number;
  /** The dialled port of the service. */
  readonly port: number;
  readonly #host: FlowHost;
  /** Bytes of the program that wait for the session, and the call that says that they were taken. */
  #waiting: Buffer | undefined;
  #waitingAt = 0;
  #taken: ((error?: Error | null) => void) | undefined;
  #ending: ((error?: Error | null) => void) | undefined;
  #sent = 0;
  #sendLimit = FLOW_CREDIT;
  #received = 0;
  #window = FLOW_CREDIT;
  #receiveLimit = FLOW_CREDIT;
  #grantedAt: number;
  #isEnded = false;
  #isFinished = false;
  #isOver = false;
  /** Why nothing more can be written. */
  #refusal: BlockcloudError | undefined;
  /** Whether the flow is in the session's queue. */
  isQueued = false;
  /** Bytes that came and wait to be taken. */
  protected waitingBytes = 0;

  constructor(host: FlowHost, id: number, port: number) {
    super({
      allowHalfOpen: true,
      readableHighWaterMark: FLOW_CREDIT,
      writableHighWaterMark: 2 * FLOW_CREDIT,
    });
    this.#host = host;
    this.id = id;
    this.port = port;
    this.#grantedAt = host.now();
  }

  /** Bytes sent so far. */
  get bytesWritten(): number {
    return this.#sent;
  }

  /** Bytes received so far. */
  get bytesRead(): number {
    return this.#received;
  }

  /** Bytes that can be sent now. */
  get sendable(): number {
    if (this.#waiting === undefined) return 0;
    return Math.min(this.writableLength, this.#sendLimit - this.#sent);
  }

  /** Whether all bytes were sent and the end is due. */
  get isEndDue(): boolean {
    return this.#ending !== undefined && !this.#isFinished;
  }

  /** Copies waiting bytes into a segment; returns how many. */
  takeInto(target: Buffer, at: number, most: number): number {
    let copied = 0;
    while (copied < most && this.#waiting !== undefined) {
      const take = Math.min(most - copied, this.#waiting.length - this.#waitingAt);
      this.#waiting.copy(target, at + copied, this.#waitingAt, this.#waitingAt + take);
      copied += take;
      this.#waitingAt += take;
      if (this.#waitingAt < this.#waiting.length) break;
      const taken = this.#taken;
      this.#waiting = undefined;
      this.#taken = undefined;
      // The stream gives the next bytes during this call.
      if (taken !== undefined) call(taken);
    }
    this.#sent += copied;
    return copied;
  }

  /** The end was put into the ordered stream. */
  finished(): void {
    this.#isFinished = true;
    const ending = this.#ending;
    this.#ending = undefined;
    if (ending !== undefined) call(ending);
    this.#settle();
  }

  /**
   * Bytes of the peer.
   *
   * @throws BlockcloudError `SAL_PROTOCOL` if they exceed the credit or follow the end.
   */
  deliver(pieces: readonly Buffer[], length: number): void {
    if (this.#received + length > this.#receiveLimit) {
      throw salError("protocol", `The peer sent more on flow ${this.id} than it was allowed to.`);
    }
    if (this.#isEnded)
      throw salError("protocol", `The peer sent after the end of flow ${this.id}.`);
    this.#received += length;
    this.accept(pieces, length);
  }

  /** Bytes that came are the program's; a subclass may let them wait, and counts them in `waitingBytes`. */
  protected accept(pieces: readonly Buffer[], _length: number): void {
    // An unread piece must not keep a chunk that is much larger.
    const isRead = this.readableFlowing === true && this.readableLength === 0;
    for (const piece of pieces) {
      // A listener of the piece before may have closed the flow.
      if (this.destroyed) return;
      const isSmall = 2 * piece.length < piece.buffer.byteLength;
      try {
        this.push(isRead || !isSmall ? piece : Buffer.from(piece));
      } catch (error) {
        throwLater(error);
      }
    }
    this.#consumed();
  }

  /** The peer's direction ended complete. */
  ended(): void {
    if (this.#isEnded) throw salError("protocol", `The peer ended flow ${this.id} twice.`);
    this.#isEnded = true;
    this.acceptEnd();
    this.#settle();
  }

  /** The end is the program's, after all bytes. */
  protected acceptEnd(): void {
    this.push(null);
  }

  /** The peer may receive more. */
  allow(limit: number): void {
    if (limit <= this.#sendLimit) return;
    this.#sendLimit = limit;
    this.resend();
  }

  /**
   * The peer takes no more, and the flow is over. If the peer's own direction ended complete, its bytes can still be
   * read; what is written fails.
   */
  refused(error: BlockcloudError): void {
    if (!this.#isEnded) {
      this.fail(error);
      return;
    }
    this.#isOver = true;
    this.#refusal = error;
    this.#waiting = undefined;
    const [taken, ending] = [this.#taken, this.#ending];
    this.#taken = undefined;
    this.#ending = undefined;
    if (taken !== undefined) call(taken, error);
    // All bytes were sent; whether they were read, no end of a stream can tell.
    if (ending !== undefined) call(ending);
  }

  /** The session ended, or the flow could not be opened. */
  fail(error: BlockcloudError): void {
    this.#isOver = true;
    this.destroy(error);
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    if (chunk.length === 0 || this.#refusal !== undefined) {
      callback(this.#refusal);
      return;
    }
    this.#waiting = chunk;
    this.#waitingAt = 0;
    this.#taken = callback;
    this.#host.ready(this);
  }

  override _final(callback: (error?: Error | null) => void): void {
    // There is nothing left to say, and so nothing is lost.
    if (this.#refusal !== undefined) {
      callback();
      return;
    }
    this.#ending = callback;
    this.#host.ready(this);
  }

  override _read(): void {
    // Bytes come when the peer sends them; `read` sees what is taken.
  }

  /** All that is taken from the buffer passes here; what is not buffered is counted when it comes. */
  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    if (chunk !== null) this.#consumed();
    return chunk;
  }

  /** Something may be sent that could not be before. */
  protected resend(): void {
    if (this.#waiting !== undefined) this.#host.ready(this);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#waiting = undefined;
    this.#taken = undefined;
    this.#ending = undefined;
    // Not before: bytes that the program has not read are kept until now, though both directions may have ended.
    this.#giveBack();
    if (!this.#isOver) {
      this.#isOver = true;
      const known = error instanceof BlockcloudError ? error : undefined;
      const reason = known ?? salError("cancelled", "The program closed the flow.");
      this.#host.over(this, reason);
    }
    callback(error);
  }

  /** Allows the peer more if the reader took half of what was allowed, and a larger window if it is fast. */
  #consumed(): void {
    if (this.#isEnded || this.#isOver) return;
    const consumed = this.#received - this.readableLength - this.waitingBytes;
    if (this.#receiveLimit - consumed > this.#window / 2) return;
    const now = this.#host.now();
    const isFast = now - this.#grantedAt < 2 * this.#host.srtt + GROWTH_MS;
    if (isFast && this.#window < MAX_FLOW_CREDIT && this.#host.credit.take(this.#window)) {
      this.#window *= 2;
    }
    this.#grantedAt = now;
    this.#receiveLimit = consumed + this.#window;
    this.#host.grant(this, this.#receiveLimit);
  }

  #settle(): void {
    if (!this.#isEnded || !this.#isFinished || this.#isOver) return;
    this.#isOver = true;
    this.#host.over(this, undefined);
  }

  #giveBack(): void {
    this.#host.credit.give(this.#window - FLOW_CREDIT);
    this.#window = FLOW_CREDIT;
  }
}

function call(callback: (error?: Error | null) => void, failure?: Error): void {
  try {
    callback(failure);
  } catch (error) {
    throwLater(error);
  }
}

/**
 * The error of a program's own listener, which is called while a frame is handled or composed. Thrown there, the rest
 * of the bytes would be lost for all flows of the session; so it becomes an uncaught exception, as with any emitter,
 * one tick later.
 */
function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** A window that is used up faster than this, besides two round trips, grows. */
const GROWTH_MS = 10;
