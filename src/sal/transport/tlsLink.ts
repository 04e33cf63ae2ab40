import type { TLSSocket } from "node:tls";
import { salError } from "../errors.ts";
import type { Link, LinkHandler, Place, Relayed } from "./link.ts";

const EXPORTER_BYTES = 32;
/** Longest plaintext of a TLS record (RFC 8446, 5.1). */
const RECORD_BYTES = 16 * 1024;

/** A link over TLS 1.3. */
export class TlsLink implements Link {
  readonly peer: Place;
  readonly localPort: number;
  readonly relayed: Relayed | undefined;
  handler: LinkHandler = { data: () => {}, drained: () => {}, closed: () => {} };
  readonly #socket: TLSSocket;
  #sent = 0;
  #received = 0;
  #error: Error | undefined;

  /**
   * @param socket After its handshake.
   * @param peer The other end; behind a relay the visitor, as the relay says.
   */
  constructor(socket: TLSSocket, peer: Place, relayed?: Relayed) {
    this.#socket = socket;
    this.peer = peer;
    this.relayed = relayed;
    this.localPort = socket.localPort ?? 0;
    socket.on("data", (chunk: Buffer) => {
      // OpenSSL gives at most one record at a time, and Node passes each on by itself.
      this.#received += 1;
      this.handler.data(chunk);
    });
    socket.on("error", (error: Error) => {
      this.#error = error;
    });
    socket.on("end", () => {
      // Neither side uses half of a link.
      socket.destroy();
    });
    socket.on("close", () => {
      this.handler.closed(this.#error);
    });
  }

  get queued(): number {
    return this.#socket.writableLength;
  }

  get records(): number {
    return Math.max(this.#sent, this.#received);
  }

  exporter(label: string, context?: Buffer): Buffer {
    // Node's types demand a context; without one the exporter differs from that of an empty one only before TLS 1.3.
    try {
      return this.#socket.exportKeyingMaterial(EXPORTER_BYTES, label, context ?? Buffer.alloc(0));
    } catch (cause) {
      throw salError("noPath", "The connection was closed.", { cause });
    }
  }

  readonly #written = (): void => {
    this.handler.drained();
  };

  write(bytes: Buffer): void {
    if (!this.#socket.writable) return;
    // Writes that wait together may share records, so there are no more than this.
    this.#sent += Math.ceil(bytes.length / RECORD_BYTES);
    this.#socket.write(bytes, this.#written);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
