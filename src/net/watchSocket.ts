import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** The state of a request's connection. */
export interface WatchedConnection {
  /** The connection is established but TLS is not: an error now is a TLS error. */
  readonly handshaking: boolean;
}

/**
 * Counts the bytes received over a request's connection, head and framing included. Chunk extensions, for
 * example, never become part of a body.
 */
export function watchSocket(
  outgoing: ClientRequest,
  options: { maxBytes: number; onTooMany(maxBytes: number): void },
): WatchedConnection {
  const state = { handshaking: false };
  outgoing.on("socket", (socket: Socket) => {
    if (socket instanceof TLSSocket) {
      socket.once("connect", () => (state.handshaking = true));
      socket.once("secureConnect", () => (state.handshaking = false));
    }
    let received = 0;
    const count = (part: Buffer) => {
      received += part.length;
      if (received <= options.maxBytes) return;
      socket.off("data", count);
      options.onTooMany(options.maxBytes);
    };
    socket.on("data", count);
  });
  return state;
}
