import type { Socket } from "node:net";
import { ClosedConnection, type Call } from "./call.ts";
import { RunningCall } from "./runningCall.ts";

/** Keeps idle connections. */
export interface ConnectionKeeper {
  /** Returns whether it keeps the connection. */
  keep(connection: Connection): boolean;
  /** A connection is closed. */
  lost(connection: Connection): void;
}

/**
 * A connection to a server that carries one request at a time.
 *
 * A response ends it unless both sides keep it open, every byte belonged to the response, and the request was sent to
 * its end. So no byte can be taken for a part of the response to another request.
 */
export class Connection {
  readonly socket: Socket;
  /** For the keeper. */
  idleSince = 0;
  readonly #isKept: boolean;
  readonly #keeper: ConnectionKeeper;
  #running: RunningCall | undefined;
  #isUsed = false;

  /** @param isKept - Whether the connection may serve several requests. */
  constructor(socket: Socket, isKept: boolean, keeper: ConnectionKeeper) {
    this.socket = socket;
    this.#isKept = isKept;
    this.#keeper = keeper;
    socket.on("data", this.#onData);
    socket.on("drain", this.#onDrain);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
  }

  /** Sends a request's head. */
  send(call: Call, head: string): RunningCall {
    const running = new RunningCall(call, this, this.#isUsed);
    this.#running = running;
    this.#isUsed = true;
    this.socket.write(head, "latin1");
    return running;
  }

  /** For the running call: its response is complete. */
  completed(mayBeKept: boolean): void {
    this.#running = undefined;
    const { socket } = this;
    const isOpen = socket.readable && socket.writable;
    if (this.#isKept && mayBeKept && isOpen && this.#keeper.keep(this)) return;
    // TLS says goodbye first. A server that has not read the request to its end does not wait for that.
    if (socket.writableLength === 0) socket.destroySoon();
    else socket.destroy();
  }

  /** Hands the connection over to another protocol. */
  release(): Socket {
    const { socket } = this;
    this.#running = undefined;
    socket.off("data", this.#onData);
    socket.off("drain", this.#onDrain);
    socket.off("end", this.#onEnd);
    socket.off("close", this.#onClose);
    // Its next reader resumes it. The listener of errors stays, and has nothing to tell.
    socket.pause();
    return socket;
  }

  destroy(): void {
    this.#running = undefined;
    this.socket.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#running !== undefined) this.#running.arrived(bytes);
    // Nothing was asked.
    else this.#drop();
  };

  readonly #onDrain = (): void => {
    this.#running?.drained();
  };

  readonly #onEnd = (): void => {
    if (this.#running !== undefined) this.#running.closed();
    else this.#drop();
  };

  readonly #onClose = (): void => {
    if (this.#running !== undefined) this.#running.broken(new ClosedConnection());
    else this.#keeper.lost(this);
  };

  readonly #onError = (cause: Error): void => {
    if (this.#running !== undefined) this.#running.broken(cause);
    else this.#keeper.lost(this);
  };

  #drop(): void {
    this.#keeper.lost(this);
    this.socket.destroy();
  }
}
