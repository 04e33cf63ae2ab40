import type { Duplex } from "node:stream";

/** Methods of sockets that Node's HTTP client calls; a stream that is no socket needs none of them. */
const SOCKET_METHODS = ["setKeepAlive", "setNoDelay", "setTimeout", "ref", "unref"] as const;

/** Lets Node's HTTP client use a stream that is no socket, such as a flow; returns the stream. */
export function asClientSocket(stream: Duplex): Duplex {
  for (const name of SOCKET_METHODS) {
    if (!(name in stream)) Object.defineProperty(stream, name, { value: () => stream });
  }
  return stream;
}
