import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** Characters that may not stand in a reason phrase (RFC 9112, 4). */
const NOT_IN_REASON = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Why a response's head cannot be passed on; undefined for a good one. The parser accepts more than a client
 * of this gateway may be sent.
 */
export function headFault(message: IncomingMessage): string | undefined {
  const { statusCode = 0, statusMessage = "", headers, httpVersionMajor } = message;
  if (httpVersionMajor !== 1) return `HTTP/${message.httpVersion} in the status line`;
  if (statusCode < 100) return `status ${statusCode}`;
  if (NOT_IN_REASON.test(statusMessage)) return "a control character in the reason phrase";
  const coding = headers["transfer-encoding"];
  if (coding === undefined || coding.trim().toLowerCase() === "chunked") return undefined;
  // The gateway announces no other coding (RFC 9112, 7.4), and does not decode what it did not ask for.
  return "a transfer coding other than chunked";
}

/**
 * Closes a kept connection on which bytes arrive after a complete response. Otherwise they would be lost, or
 * be taken for the response to the next request.
 */
export class StrayBytes {
  readonly #guards = new WeakMap<Socket, () => void>();

  /** Watches the connection of a request, until the next request on it. */
  watch(request: ClientRequest): void {
    request.once("socket", (socket: Socket) => {
      let message: IncomingMessage | undefined;
      let completed = false;
      const guard = () => {
        if (completed) socket.destroy();
        completed = message?.complete === true;
      };
      request.once("response", (response) => (message = response));
      // These bytes belong to another protocol.
      request.once("upgrade", () => socket.off("data", guard));
      const last = this.#guards.get(socket);
      if (last !== undefined) socket.off("data", last);
      // After the parser's listener, which is new for each request, too.
      socket.on("data", guard);
      this.#guards.set(socket, guard);
    });
  }
}
