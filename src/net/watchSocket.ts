import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** What is known of a request's connection. */
export interface WatchedConnection {
  /** The connection stands, and TLS does not yet: an error now is one of TLS. */
  readonly handshaking: boolean;
}

/**
 * Counts what comes in over a request's connection, head and framing included: chunk extensions, for one,
 * are bytes that never become part of a body.
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
