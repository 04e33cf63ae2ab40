import type { IncomingMessage } from "node:http";

/** How long a client that was refused may go on sending. */
const LINGER_MS = 2_000;

/**
 * Reads and drops what a refused client still sends, for a moment. A connection that is closed with bytes unread
 * is reset, and the reset can overtake the answer that says why (RFC 9112, 9.6).
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
