import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { reset } from "../../src/net/reset.ts";

/** A TCP connection as a stream that is no socket: it has neither a handle nor a socket's methods. */
export class PlainFlow extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.once("end", () => this.push(null));
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => {
      if (!this.readableEnded) this.destroy();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (error === null) this.#socket.destroy();
    else reset(this.#socket);
    done(error);
  }
}
