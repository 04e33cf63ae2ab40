import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Timers } from "../../node/timers.ts";
import type { Failure } from "./failures.ts";

/** How long a refused program may continue to send, milliseconds. */
const LINGER_MS = 2_000;

/**
 * Sends the last bytes of a connection, and discards for a moment what still arrives. Closing a connection with
 * unread bytes resets it, and the reset can overtake what was sent last.
 */
export function endAfter(socket: Socket, last: Uint8Array | string, timers: Timers): void {
  if (socket.destroyed) return;
  const over = new AbortController();
  socket.once("close", () => {
    over.abort();
  });
  socket.end(last);
  socket.resume();
  timers.sleep(LINGER_MS, over.signal).then(
    () => socket.destroy(),
    // It is closed.
    () => {},
  );
}

/** Header fields of the proxy's own responses. No page of a browser may read them, or keep them. */
export const OWN_FIELDS: readonly string[] = [
  "Cache-Control",
  "no-store",
  "Cross-Origin-Resource-Policy",
  "same-origin",
  "X-Content-Type-Options",
  "nosniff",
];

/** Header fields of a problem, as a flat list. */
export function problemFields({ status, body }: Failure): string[] {
  const fields = ["Content-Type", "application/problem+json", ...OWN_FIELDS];
  if (status === 407)
    fields.push("Proxy-Authenticate", 'Basic realm="blockcloud", charset="UTF-8"');
  if (status === 429 || status === 503) fields.push("Retry-After", "1");
  if (status === 405) fields.push("Allow", "GET, HEAD");
  fields.push("Content-Length", String(Buffer.byteLength(body)));
  return fields;
}

/** A whole response, for a connection that HTTP no longer reads. */
export function problemMessage(failure: Failure): string {
  const lines = [`HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}`];
  const fields = [...problemFields(failure), "Connection", "close"];
  for (let at = 0; at + 1 < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n${failure.body}`;
}
