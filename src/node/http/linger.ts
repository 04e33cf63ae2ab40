import type { IncomingMessage } from "node:http";

/** How long a refused client may continue to send, milliseconds. */
const LINGER_MS = 2_000;

/**
 * Reads and discards data of a refused client for a moment. Closing a connection with unread bytes resets it,
 * and the reset can overtake the response that gives the reason (RFC 9112, 9.6).
 */
export function linger(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (request.readableEnded || request.destroyed) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, LINGER_MS);
    request.on("error", () => {});
    request.once("end", done);
    request.once("close", done);
    request.resume();
  });
}
