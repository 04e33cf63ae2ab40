import type { Socket } from "node:net";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { NO_ANSWER } from "./query.ts";
import type { Responder } from "./responder.ts";
import type { Tally } from "./tally.ts";

export interface SessionLimits {
  /** Time limit of an idle connection, and of receiving one query, milliseconds. */
  idleMs: number;
  /** Concurrent queries of one connection; others wait. */
  maxPipelined: number;
}

/** Largest query that is read, bytes; queries of real clients are far smaller. */
const MAX_QUERY_BYTES = 4_096;
/** Bytes of responses that may be buffered for a client that does not read. */
const MAX_WAITING_BYTES = 256 * 1024;

/** One client's connection: two bytes of length before each message. */
export class TcpSession {
  readonly #socket: Socket;
  readonly #limits: SessionLimits;
  readonly #timers: Timers;
  readonly #responder: Responder;
  readonly #tally: Tally;
  readonly #log: Logger;
  #received: Buffer = Buffer.alloc(0);
  /** When the first bytes of a partial query arrived, by the monotonic clock. */
  #partialSince: number | undefined;
  #running = 0;
  /** The client sends no more queries. */
  #ended = false;

  constructor(
    socket: Socket,
    limits: SessionLimits,
    dependencies: { responder: Responder; tally: Tally; timers: Timers; log: Logger },
  ) {
    this.#socket = socket;
    this.#limits = limits;
    this.#timers = dependencies.timers;
    this.#responder = dependencies.responder;
    this.#tally = dependencies.tally;
    this.#log = dependencies.log;
  }

  run(): void {
    const socket = this.#socket;
    socket.setTimeout(this.#limits.idleMs, () => socket.destroy());
    // An aborted connection needs no handling: `close` follows.
    socket.on("error", () => {});
    socket.on("data", (part: Buffer) => {
      this.#received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part]);
      this.#next();
    });
    socket.on("drain", () => {
      this.#next();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#next();
    });
  }

  /** Answers received queries as far as the limits allow. */
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
    else if (this.#ended && this.#running === 0 && this.#mayAnswer()) socket.end();
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

  /** Whether a query arrives in small pieces, which keep the connection from being idle. */
  #tooSlow(): boolean {
    if (this.#received.length === 0 || !this.#mayAnswer()) return false;
    const now = this.#timers.monotonic();
    this.#partialSince ??= now;
    return now - this.#partialSince > this.#limits.idleMs;
  }

  /** Returns whether the packet was a query; a peer that sends something else is not a DNS client. */
  #answer(packet: Buffer): boolean {
    const responder = this.#responder;
    const tally = this.#tally;
    const timers = this.#timers;
    const now = timers.monotonic();
    const ready = responder.quick(packet, now, false);
    if (responder.query.outcome === NO_ANSWER) return false;
    if (ready === undefined) {
      void this.#lookup(packet, now);
    } else {
      this.#write(ready);
      tally.sent("tcp", responder.rcode, now);
    }
    return true;
  }

  async #lookup(packet: Buffer, since: number): Promise<void> {
    const responder = this.#responder;
    const tally = this.#tally;
    const log = this.#log;
    this.#running += 1;
    try {
      const { bytes, rcode } = await responder.lookup(packet, false);
      this.#write(bytes);
      tally.found("tcp", rcode, since);
    } catch (error) {
      log.error("a DNS query failed", { error });
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  /** Writes length and message in one piece (RFC 7766, 8), which copies the message. */
  #write(message: Buffer): void {
    const bytes = Buffer.allocUnsafe(2 + message.length);
    bytes.writeUInt16BE(message.length, 0);
    message.copy(bytes, 2);
    this.#socket.write(bytes);
  }
}
