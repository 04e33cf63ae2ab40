import type { Socket } from "node:net";
import { salError } from "../errors.ts";
import type { Link, LinkHandler } from "../transport/link.ts";

/**
 * A link of which another process has the client's end: that process ends TLS, and passes the bytes on over a local
 * socket. The session stays where it is.
 */
export class TailLink implements Link {
  readonly peer: { readonly address: string; readonly port: number };
  /** No key protects more than one link's records: the other process and the client count them. */
  readonly records = 0;
  /** The other process has the connection, so nothing can be dialled from its port. */
  readonly localPort = 0;
  readonly relayed = undefined;
  handler: LinkHandler = { data: () => {}, drained: () => {}, closed: () => {} };
  readonly #socket: Socket;
  #preface: Buffer | undefined;
  #error: Error | undefined;

  /**
   * @param socket Its further bytes are the client's.
   * @param peer The client, as the other process sees it.
   * @param preface Goes before the first bytes to the client.
   */
  constructor(socket: Socket, peer: { address: string; port: number }, preface: Buffer) {
    this.#socket = socket;
    this.peer = peer;
    this.#preface = preface;
    socket.on("data", (chunk: Buffer) => {
      this.handler.data(chunk);
    });
    socket.on("error", (error: Error) => {
      this.#error = error;
    });
    socket.on("end", () => {
      socket.destroy();
    });
    socket.on("close", () => {
      this.handler.closed(this.#error);
    });
  }

  get queued(): number {
    return this.#socket.writableLength;
  }

  exporter(): Buffer {
    throw salError("protocol", "No session begins on a link of another process.");
  }

  readonly #written = (): void => {
    this.handler.drained();
  };

  write(bytes: Buffer): void {
    const preface = this.#preface;
    this.#preface = undefined;
    if (!this.#socket.writable) return;
    if (preface !== undefined) this.#socket.write(preface);
    this.#socket.write(bytes, this.#written);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
