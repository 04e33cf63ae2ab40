import { connect, isIP, type Socket } from "node:net";
import type { Scheduler } from "../../node/scheduler.ts";
import { ANY } from "../transport/tlsTransport.ts";
import { CARRIER_PING, encodePreface, readCarrier, type Ends } from "./carrier.ts";
import type { Place } from "./frames.ts";

/** How long the relay may be silent on a connection that waits, milliseconds: it pings each 15 s. */
const SILENT_MS = 45_000;
/** More bytes than this come with a visitor only. */
const MAX_BYTES = 32 * 1024;

export interface WaitingParts {
  /** The relay's own end of the control connection: a name may lead to several relays. */
  relay: Place;
  token: Buffer;
  /** Of the MAC over the visitor's address. */
  key: Buffer;
  /** A visitor is there; its first bytes are unread. */
  visited(socket: Socket, ends: Ends): void;
  /** The connection waits no longer; called once, before `visited`. */
  over(): void;
}

/** A connection of a provider to its relay that waits for a visitor. */
export class WaitingConnection {
  readonly #socket: Socket;
  readonly #parts: WaitingParts;
  readonly #clock: Scheduler;
  #bytes: Buffer = Buffer.alloc(0);
  #isOver = false;
  #cancel = () => {};

  constructor(parts: WaitingParts, clock: Scheduler) {
    this.#parts = parts;
    this.#clock = clock;
    const { address: host, port } = parts.relay;
    // A port that the kernel chose at connect could not be dialled from again, to punch a NAT.
    this.#socket = connect({ host, port, localAddress: ANY[isIP(host)], noDelay: true });
    this.#socket.on("error", ignore);
    this.#socket.on("close", this.#closed);
    this.#socket.on("readable", this.#readable);
    this.#socket.write(encodePreface(parts.token));
    this.#watch();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#finish();
  }

  #watch(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(SILENT_MS, () => {
      this.destroy();
    });
  }

  readonly #closed = (): void => {
    this.#finish();
  };

  readonly #readable = (): void => {
    const socket = this.#socket;
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    const { token, key, visited } = this.#parts;
    try {
      this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
      const { pings, ends, rest } = readCarrier(this.#bytes, token, key);
      this.#bytes = rest;
      if (pings > 0) {
        this.#watch();
        socket.write(Buffer.alloc(pings, CARRIER_PING));
      }
      if (ends === undefined) {
        if (rest.length > MAX_BYTES) this.destroy();
        return;
      }
      socket.off("readable", this.#readable);
      socket.off("close", this.#closed);
      this.#finish();
      if (rest.length > 0) socket.unshift(rest);
      visited(socket, ends);
    } catch {
      // The relay, or somebody on the way, broke the rules: the connection is of no use.
      this.destroy();
    }
  };

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancel();
    this.#bytes = Buffer.alloc(0);
    this.#parts.over();
  }
}

function ignore(): void {
  // "close" follows.
}
