import type { Socket } from "node:net";
import type { Message } from "./message.ts";

/** A request's head, and what happens to the request. */
export interface Call {
  method: string;
  /** In origin form. */
  target: string;
  /** A flat list of alternating names and values. */
  headers: readonly string[];
  /** Whether the server may switch protocols. */
  upgrade: boolean;
  /** The head of the response has arrived; its body follows after this call has returned. */
  answered(message: Message): void;
  /** The server has switched protocols: the connection is the caller's now, with the bytes behind the head. */
  switched(message: Message, socket: Socket, head: Buffer): void;
  /** There is room again, after `write` has returned false. */
  drained(): void;
  /** There will be no response. Called once at most, and never after `answered` or `cancel`. */
  failed(failure: CallFailure): void;
}

export interface CallFailure {
  cause: NodeJS.ErrnoException;
  /** Whether the connection had been idle before, and was closed before a byte of the response arrived. */
  isStale: boolean;
  socket: Socket;
}

/** The connection was closed before the response was complete. */
export class ClosedConnection extends Error {
  readonly code = "ECONNRESET";

  constructor() {
    super("the connection was closed before the response was complete");
  }
}

/** Characters that would end the target, or a line. The parser that read the request refuses them, too. */
const NOT_IN_TARGET = /[^\x21-\x7e\x80-\xff]/;
const NOT_IN_FIELD = /[^\t\x20-\x7e\x80-\xff]/;

/** The head of a request in bytes, one character for each. */
export function requestHead({ method, target, headers }: Call, isKept: boolean): string {
  if (NOT_IN_TARGET.test(method) || NOT_IN_TARGET.test(target)) {
    throw new TypeError("A method or target with a character that HTTP does not allow.");
  }
  let head = `${method} ${target} HTTP/1.1\r\n`;
  let hasConnection = false;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? "";
    const value = headers[at + 1] ?? "";
    if (NOT_IN_FIELD.test(name) || NOT_IN_FIELD.test(value)) {
      throw new TypeError("A field with a character that HTTP does not allow.");
    }
    if (name === "Connection") hasConnection = true;
    head += `${name}: ${value}\r\n`;
  }
  if (!hasConnection) head += isKept ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  return `${head}\r\n`;
}

/** Whether the request's body is sent in chunks. */
export function isChunked(headers: readonly string[]): boolean {
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] === "Transfer-Encoding") return true;
  }
  return false;
}
