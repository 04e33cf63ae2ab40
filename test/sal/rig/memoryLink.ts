import { createHmac, randomBytes } from "node:crypto";
import type { Link, LinkHandler, Relayed } from "../../../src/sal/transport/link.ts";
import type { FakeClock } from "./fakeClock.ts";

/** How a network treats the bytes of a link. */
export interface Wire {
  /** One way, milliseconds. */
  latencyMs: number;
  /** Length of the next chunk in which bytes arrive; at least 1. */
  chunk(): number;
}

/** Bytes that a network holds in one direction: what more is written waits at the sender. */
const IN_FLIGHT = 64 * 1024;
const EXPORTER_BYTES = 32;

/**
 * One end of a connection in memory. A buffer is read when it arrives, not when it is written, so a sender that reuses
 * it too early is found out.
 */
export class MemoryLink implements Link {
  readonly peer: { address: string; port: number };
  readonly localPort = 50_000;
  relayed: Relayed | undefined;
  handler: LinkHandler = { data: () => {}, drained: () => {}, closed: () => {} };
  /** Bytes that this end was given in all. */
  written = 0;
  queued = 0;
  #sent = 0;
  #received = 0;
  /** Whether the bytes that this end sends stay where they are. */
  isStalled = false;
  readonly #secret: Buffer;
  readonly #clock: FakeClock;
  readonly #wire: Wire;
  #other: MemoryLink | undefined;
  #waiting: Buffer[] = [];
  #flying: Buffer[] = [];
  #flyingBytes = 0;
  #isEnding = false;
  #isPlanned = false;
  #isClosed = false;

  private constructor(clock: FakeClock, wire: Wire, secret: Buffer, peer: string) {
    this.#clock = clock;
    this.#wire = wire;
    this.#secret = secret;
    this.peer = { address: peer, port: 40_000 };
  }

  /** Two ends of one connection, with the addresses that each sees of the other. */
  static pair(
    clock: FakeClock,
    wire: Wire,
    addresses: [string, string] = ["192.0.2.1", "192.0.2.2"],
  ): [MemoryLink, MemoryLink] {
    const secret = randomBytes(32);
    const near = new MemoryLink(clock, wire, secret, addresses[1]);
    const far = new MemoryLink(clock, wire, secret, addresses[0]);
    near.#other = far;
    far.#other = near;
    return [near, far];
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get records(): number {
    return Math.max(this.#sent, this.#received);
  }

  exporter(label: string, context: Buffer = Buffer.alloc(0)): Buffer {
    const mac = createHmac("sha256", this.#secret).update(`${label.length} ${label}`);
    return mac.update(context).digest().subarray(0, EXPORTER_BYTES);
  }

  write(bytes: Buffer): void {
    if (this.#isClosed || this.#isEnding) return;
    this.written += bytes.length;
    const records = Math.ceil(bytes.length / 16_384);
    this.#sent += records;
    if (this.#other !== undefined) this.#other.#received += records;
    this.queued += bytes.length;
    this.#waiting.push(bytes);
    this.#plan();
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#plan();
  }

  destroy(): void {
    this.#close(undefined);
    this.#clock.after(this.#wire.latencyMs, () => {
      if (this.#other !== undefined) this.#other.#close(undefined);
    });
  }

  /**
   * The network breaks the connection: both ends notice at once.
   *
   * @param arrived How many of the bytes under way to this link's other end still arrive.
   */
  cut(arrived = 0): void {
    if (arrived > 0 && !this.#isClosed) {
      this.#other?.handler.data(Buffer.concat(this.#flying).subarray(0, arrived));
    }
    const error = new Error("the network broke the connection");
    this.#close(error);
    if (this.#other !== undefined) this.#other.#close(error);
  }

  /** This end's bytes move again. */
  resume(): void {
    this.isStalled = false;
    this.#plan();
    if (this.#flying.length > 0) this.#fly();
  }

  /** Sends after what happens now. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#clock.after(0, () => {
      this.#isPlanned = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#isClosed) return;
    let isSent = false;
    while (this.#flyingBytes < IN_FLIGHT) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) break;
      this.queued -= bytes.length;
      this.#flyingBytes += bytes.length;
      this.#flying.push(bytes);
      isSent = true;
    }
    if (isSent) {
      this.#fly();
      this.handler.drained();
    }
    if (this.#isEnding && this.#waiting.length === 0 && this.#flying.length === 0) {
      this.#close(undefined);
      if (this.#other !== undefined) this.#other.#close(undefined);
    }
  }

  #fly(): void {
    this.#clock.after(this.#wire.latencyMs, () => {
      this.#arrive();
    });
  }

  #arrive(): void {
    if (this.isStalled || this.#isClosed) return;
    const bytes = Buffer.concat(this.#flying);
    this.#flying = [];
    this.#flyingBytes = 0;
    for (let at = 0; at < bytes.length && this.#other?.isClosed === false;) {
      const end = Math.min(bytes.length, at + this.#wire.chunk());
      this.#other.handler.data(bytes.subarray(at, end));
      at = end;
    }
    this.#send();
  }

  #close(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.queued = 0;
    this.#waiting = [];
    this.#flying = [];
    this.#clock.after(0, () => {
      this.handler.closed(error);
    });
  }
}
