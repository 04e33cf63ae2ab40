import type { Socket } from "node:net";
import { clientGone, garbage } from "./errors.ts";
import type { Read } from "./socks.ts";

/** Longest message of a handshake: a greeting, a password or a request of SOCKS. */
const MAX_BYTES = 520;

/**
 * Reads one message from the beginning of a connection; what follows it stays unread.
 *
 * @param parse Reads the message; called again when more has arrived.
 * @throws BlockcloudError `PROXY_GARBAGE`, `PROXY_CLIENT_GONE`.
 */
export function readMessage<T>(socket: Socket, parse: (bytes: Buffer) => Read<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const done = () => {
      socket.off("readable", look).off("end", gone).off("close", gone);
    };
    const fail = (error: Error) => {
      done();
      reject(error);
    };
    const gone = () => {
      fail(clientGone());
    };
    const look = () => {
      const more = socket.read() as Buffer | null;
      if (more === null) return;
      bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
      const read = parse(bytes);
      if (read === "malformed" || (read === "short" && bytes.length > MAX_BYTES)) {
        fail(garbage());
      } else if (read !== "short") {
        done();
        if (read.length < bytes.length) socket.unshift(bytes.subarray(read.length));
        resolve(read.value);
      }
    };
    socket.on("readable", look).once("end", gone).once("close", gone);
    if (socket.destroyed) gone();
    else look();
  });
}

/** The first byte, which tells the form of a request; it stays unread. */
export function readFirstByte(socket: Socket): Promise<number> {
  return readMessage(socket, ([first]) =>
    first === undefined ? "short" : { value: first, length: 0 },
  );
}

/**
 * Watches a connection from which nothing is read for a while.
 *
 * @param signal Aborted when the program has gone. A program that has only closed its half may still read.
 */
export function watchProgram(socket: Socket): { signal: AbortSignal; release(): void } {
  const abort = new AbortController();
  const gone = () => {
    abort.abort(clientGone());
  };
  // A listener keeps Node reading into the stream's own bounded buffer: else it would not notice a reset.
  const look = () => {};
  socket.on("readable", look).once("close", gone);
  if (socket.destroyed) gone();
  return {
    signal: abort.signal,
    release: () => {
      socket.off("readable", look).off("close", gone);
    },
  };
}
