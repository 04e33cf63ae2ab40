import type { Socket } from "node:net";
import type { Scheduler } from "../node/scheduler.ts";
import { CARRIER_PING, encodeVisitor } from "../sal/relay/carrier.ts";
import type { Place } from "../sal/relay/frames.ts";
import { peerOfSocket } from "../sal/transport/tlsTransport.ts";

/** How often a connection that waits is asked whether it is there, and when it is given up, milliseconds. */
const PING_MS = 15_000;
const DROP_MS = 30_000;

/** A connection of a provider, which waits for a visitor or carries one. */
export class Carrier {
  readonly socket: Socket;
  readonly #token: Buffer;
  readonly #key: Buffer;
  readonly #clock: Scheduler;
  /** Pings that are not answered. */
  #asked = 0;
  #heardAt: number;
  #cancel = () => {};
  #closed: (carrier: Carrier) => void = () => {};
  #data: ((chunk: Buffer) => void) | undefined;

  /**
   * @param socket After its token.
   * @param key Of the MAC over visitors' addresses.
   */
  constructor(socket: Socket, token: Buffer, key: Buffer, clock: Scheduler) {
    this.socket = socket;
    this.#token = token;
    this.#key = key;
    this.#clock = clock;
    this.#heardAt = clock.monotonic();
    socket.on("data", this.#onData);
    socket.on("close", this.#onClose);
    this.#plan();
  }

  /** @param closed The connection has ended. */
  onClose(closed: (carrier: Carrier) => void): void {
    this.#closed = closed;
  }

  /**
   * Leads a visitor's first bytes to the provider.
   *
   * @param data Takes what the provider answers.
   */
  lead(visitor: Place, flight: readonly Buffer[], data: (chunk: Buffer) => void): void {
    this.#cancel();
    this.#data = data;
    this.socket.cork();
    const ends = { visitor, self: peerOfSocket(this.socket) };
    this.socket.write(encodeVisitor(this.#token, ends, this.#key));
    for (const chunk of flight) this.socket.write(chunk);
    this.socket.uncork();
  }

  /** The provider has answered: its connection belongs to the visitor, and this object is done with it. */
  release(): Socket {
    this.socket.off("data", this.#onData);
    this.socket.off("close", this.#onClose);
    return this.socket;
  }

  destroy(): void {
    this.#cancel();
    this.socket.destroy();
  }

  #plan(): void {
    this.#cancel = this.#clock.after(PING_MS, () => {
      if (this.#clock.monotonic() - this.#heardAt >= DROP_MS) {
        this.destroy();
        return;
      }
      this.#asked += 1;
      this.socket.write(Buffer.of(CARRIER_PING));
      this.#plan();
    });
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#heardAt = this.#clock.monotonic();
    let at = 0;
    while (this.#asked > 0 && chunk[at] === CARRIER_PING) {
      this.#asked -= 1;
      at += 1;
    }
    if (at === chunk.length) return;
    // A provider has nothing to say before a visitor is there.
    if (this.#data === undefined) this.destroy();
    else this.#data(chunk.subarray(at));
  };

  readonly #onClose = (): void => {
    this.#cancel();
    this.#closed(this);
  };
}
