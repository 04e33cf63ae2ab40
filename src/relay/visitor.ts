import type { Socket } from "node:net";
import type { Scheduler } from "../node/scheduler.ts";
import { peerOfSocket } from "../sal/transport/tlsTransport.ts";
import { refuse, type Alert } from "./alert.ts";
import type { Carrier } from "./carrier.ts";
import type { Holder, Waiting } from "./holder.ts";

/** Bytes that are kept until the provider answers. */
const FLIGHT_BYTES = 16 * 1024;
/** How long a connection may give nothing before the same bytes go over another one, milliseconds. */
const REPLAY_MS = 200;
/** Connections that are tried for one visitor. */
const MOST_TRIES = 3;

export interface VisitorParts {
  socket: Socket;
  holder: Holder;
  /** What it has sent: its ClientHello. */
  flight: Buffer;
  /** How long the provider may take to answer, milliseconds. */
  answerMs: number;
  clock: Scheduler;
  /** The provider has answered: both connections are to be joined. Its first bytes were written to the visitor. */
  answered(provider: Socket): void;
  /** The visitor was refused, or has left. */
  over(alert: Alert | undefined): void;
}

/**
 * A visitor until its provider answers. Its first bytes are kept meanwhile: a connection that gives nothing is not
 * waited for, because it may lead to a place that the provider has left.
 */
export class Visitor implements Waiting {
  readonly #parts: VisitorParts;
  #holder: Holder;
  #flight: Buffer[];
  #bytes: number;
  readonly #tried = new Set<Carrier>();
  #tries = 0;
  /** Whether a connection was asked for that has not come. */
  #isPending = false;
  #isOver = false;
  #cancelReplay = () => {};
  readonly #cancelLimit: () => void;

  constructor(parts: VisitorParts) {
    this.#parts = parts;
    this.#holder = parts.holder;
    const { socket, flight, answerMs, clock } = parts;
    this.#flight = [flight];
    this.#bytes = flight.length;
    this.#cancelLimit = clock.after(answerMs, () => {
      this.#refuse("silent");
    });
    socket.on("data", this.#more);
    socket.on("close", this.#left);
  }

  /** Asks for a connection to the provider. */
  start(): void {
    this.#try();
  }

  given(carrier: Carrier): void {
    this.#isPending = false;
    if (this.#isOver) {
      carrier.destroy();
      return;
    }
    const { socket, clock } = this.#parts;
    this.#tried.add(carrier);
    carrier.onClose(() => {
      this.#tried.delete(carrier);
      if (!this.#isOver) this.#try();
    });
    carrier.lead(peerOfSocket(socket), this.#flight, (chunk) => {
      this.#answer(carrier, chunk);
    });
    this.#cancelReplay();
    this.#cancelReplay = clock.after(REPLAY_MS, () => {
      this.#try();
    });
  }

  moved(holder: Holder): void {
    this.#holder = holder;
    holder.request(this);
  }

  none(why: "unknown" | "quota"): void {
    this.#isPending = false;
    // A connection that was led there before may yet give an answer.
    if (why === "unknown" && this.#tried.size > 0) return;
    this.#refuse(why);
  }

  #try(): void {
    if (this.#isPending) return;
    if (this.#tries >= MOST_TRIES) {
      if (this.#tried.size === 0) this.#refuse("silent");
      return;
    }
    this.#tries += 1;
    this.#isPending = true;
    this.#holder.request(this);
  }

  readonly #more = (chunk: Buffer): void => {
    this.#flight.push(chunk);
    this.#bytes += chunk.length;
    for (const { socket } of this.#tried) socket.write(chunk);
    if (this.#bytes >= FLIGHT_BYTES) this.#parts.socket.pause();
  };

  readonly #left = (): void => {
    this.#finish(undefined);
  };

  #answer(carrier: Carrier, chunk: Buffer): void {
    const { socket, answered } = this.#parts;
    this.#tried.delete(carrier);
    this.#settle();
    const provider = carrier.release();
    socket.write(chunk);
    answered(provider);
  }

  #refuse(alert: Alert): void {
    if (this.#isOver) return;
    refuse(this.#parts.socket, alert);
    this.#finish(alert);
  }

  #finish(alert: Alert | undefined): void {
    if (this.#isOver) return;
    this.#settle();
    this.#parts.over(alert);
  }

  #settle(): void {
    const { socket } = this.#parts;
    this.#isOver = true;
    this.#cancelLimit();
    this.#cancelReplay();
    this.#holder.forget(this);
    socket.off("data", this.#more);
    socket.off("close", this.#left);
    for (const carrier of this.#tried) carrier.destroy();
    this.#tried.clear();
    this.#flight = [];
  }
}
