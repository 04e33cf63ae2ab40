import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Statuses other than 400, by the parser's or the server's error code. */
const STATUSES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

interface Newest {
  response: ServerResponse | undefined;
}

/**
 * Ends connections whose bytes cannot be read as HTTP. Node itself would send its 400 at once: a client whose good
 * request is still being served would take that for the response, although the request has its effect.
 */
export class Unreadable {
  /** The newest response of each connection; those before it are sent before it. */
  readonly #newest = new WeakMap<Duplex, Newest>();
  readonly #ending = new WeakSet<Duplex>();

  /** Notes that a request is served. */
  began(response: ServerResponse): void {
    const { socket } = response.req;
    const newest = this.#newest.get(socket);
    // An entry stays while its connection does: see Bag for what a map costs whose entries come and go.
    if (newest === undefined) this.#newest.set(socket, { response });
    else newest.response = response;
  }

  /** Forgets a response that is closed, and with it all that its request needed: the connection may idle for long. */
  ended(response: ServerResponse): void {
    const newest = this.#newest.get(response.req.socket);
    if (newest?.response === response) newest.response = undefined;
  }

  /** Listens to `clientError`. */
  readonly end = (error: NodeJS.ErrnoException, socket: Duplex): void => {
    const { code = "" } = error;
    const response = this.#newest.get(socket)?.response;
    const isServed = response !== undefined && !response.closed && !response.writableFinished;
    // A request that was read to its end is answered; what follows it is not.
    if (isServed && response.req.complete && code.startsWith("HPE_")) {
      // The parser reports each further piece, too.
      if (this.#ending.has(socket)) return;
      this.#ending.add(socket);
      response.shouldKeepAlive = false;
      response.once("close", () => socket.end(() => socket.destroy()));
      return;
    }
    if (socket.writable && !(isServed && response.headersSent)) {
      socket.write(`HTTP/1.1 ${STATUSES[code] ?? "400 Bad Request"}\r\nConnection: close\r\n\r\n`);
    }
    socket.destroy();
  };
}
