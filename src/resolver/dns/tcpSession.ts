import type { Socket } from "node:net";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { NO_ANSWER } from "./query.ts";
import type { Responder } from "./responder.ts";
import type { Tally } from "./tally.ts";

export interface SessionLimits {
  /** How long a connection may say nothing, and how long one query may take to come in, milliseconds. */
  idleMs: number;
  /** Queries of one connection that are answered at a time; the others wait. */
  maxPipelined: number;
}

/** The longest query that is read, bytes; no client's comes near. */
const MAX_QUERY_BYTES = 4_096;
/** Bytes of answers that may wait for a client which does not read. */
const MAX_WAITING_BYTES = 256 * 1024;

/** One client's connection: two bytes of length before each message. */
export class TcpSession {
  readonly #socket: Socket;
  readonly #limits: SessionLimits;
  readonly #d: { responder: Responder; tally: Tally; timers: Timers; log: Logger };
  #received: Buffer = Buffer.alloc(0);
  /** Since when a query has been coming in, by the monotonic clock. */
  #partialSince: number | undefined;
  #running = 0;

  constructor(
    socket: Socket,
    limits: SessionLimits,
    dependencies: { responder: Responder; tally: Tally; timers: Timers; log: Logger },
  ) {
    this.#socket = socket;
    this.#limits = limits;
    this.#d = dependencies;
  }

  run(): void {
    const socket = this.#socket;
    socket.setTimeout(this.#limits.idleMs, () => socket.destroy());
    // A client that breaks off is no event; `close` follows.
    socket.on("error", () => {});
    socket.on("data", (part: Buffer) => {
      this.#received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part]);
      this.#next();
    });
    socket.on("drain", () => {
      this.#next();
    });
  }

  /** Answers what has come in, as far as the limits let it. */
  #next(): void {
    const socket = this.#socket;
    let at = 0;
    let broken = false;
    while (!broken && this.#mayAnswer() && this.#received.length >= at + 2) {
      const length = this.#received.readUInt16BE(at);
      broken = length > MAX_QUERY_BYTES;
      const end = at + 2 + length;
      if (broken || this.#received.length < end) break;
      broken = !this.#answer(this.#received.subarray(at + 2, end));
      at = end;
      this.#partialSince = undefined;
    }
    this.#received = this.#received.subarray(at);
    if (broken || this.#tooSlow()) socket.destroy();
    else if (this.#mayAnswer()) socket.resume();
    else socket.pause();
  }

  #mayAnswer(): boolean {
    return (
      this.#running < this.#limits.maxPipelined &&
      this.#socket.writableLength < MAX_WAITING_BYTES &&
      !this.#socket.destroyed
    );
  }

  /** Whether a query comes in by drops, each of which keeps the connection from being idle. */
  #tooSlow(): boolean {
    if (this.#received.length === 0 || !this.#mayAnswer()) return false;
    const now = this.#d.timers.monotonic();
    this.#partialSince ??= now;
    return now - this.#partialSince > this.#limits.idleMs;
  }

  /** Whether it was a query; whoever sends something else is no client. */
  #answer(packet: Buffer): boolean {
    const { responder, tally, timers } = this.#d;
    const now = timers.monotonic();
    const ready = responder.quick(packet, now, false);
    if (responder.query.outcome === NO_ANSWER) return false;
    if (ready === undefined) {
      void this.#lookUp(packet, now);
    } else {
      this.#write(ready);
      tally.sent("tcp", responder.rcode, now);
    }
    return true;
  }

  async #lookUp(packet: Buffer, since: number): Promise<void> {
    const { responder, tally, log } = this.#d;
    this.#running += 1;
    try {
      const { bytes, rcode } = await responder.lookUp(packet, false);
      this.#write(bytes);
      tally.found("tcp", rcode, since);
    } catch (error) {
      log.error("a DNS query failed", { error });
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  /** Length and message in one piece (RFC 7766, 8), which is the message's own copy. */
  #write(message: Buffer): void {
    const bytes = Buffer.allocUnsafe(2 + message.length);
    bytes.writeUInt16BE(message.length, 0);
    message.copy(bytes, 2);
    this.#socket.write(bytes);
  }
}
