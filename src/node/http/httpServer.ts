import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { hostOf } from "./host.ts";
import type { AnyResponse, HttpResponse } from "./response.ts";
import { Sender, type SenderHandlers, type SenderOptions } from "./sender.ts";
import { readTarget } from "./target.ts";
import { Unreadable } from "./unreadable.ts";

/** A request, as far as handlers use it. */
export interface HttpRequest {
  /** Upper case. */
  method: string;
  /** The path as it was sent, percent-encoded. */
  path: string;
  /** What follows the question mark; empty if nothing does. */
  query: string;
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
  /** Aborted when the connection is lost before the response was sent. */
  readonly signal: AbortSignal;
  /**
   * Reads the body, in whatever framing it comes.
   *
   * @returns Undefined if it is longer than `maxBytes`.
   */
  body(maxBytes: number): Promise<Buffer | undefined>;
  /** Ends the connection at once. */
  cut(): void;
}

/** Why a request is refused before it reaches the handler. */
export type Refusal = "target" | "host" | "coding";

export interface HttpServerOptions extends SenderOptions {
  /** Largest head of a request, bytes. */
  maxHeaderBytes: number;
  /** Time limits for receiving a head, and a whole request, and for an idle connection, milliseconds. */
  headersMs: number;
  requestMs: number;
  keepAliveMs: number;
}

export interface HttpServerHandlers extends SenderHandlers {
  handle(request: HttpRequest): AnyResponse | Promise<AnyResponse>;
  /** The response to a request that HTTP forbids, or in a form that is not served. */
  refuse(reason: Refusal): HttpResponse;
  /** The response when `handle` fails. For a stream that fails after its head it is called, too, and not sent. */
  failed(error: unknown): HttpResponse;
  /** A request begins, and ends, on a connection. */
  began?(socket: Socket): void;
  ended?(socket: Socket): void;
}

/**
 * A server of small responses on Node's own: it asks nothing of its clients that HTTP does not. HTTP/1.0
 * without a Host, targets in absolute form and chunked bodies are served; a client that has closed its half
 * of the connection still gets its response.
 */
export function createHttpServer(options: HttpServerOptions, handlers: HttpServerHandlers): Server {
  const unreadable = new Unreadable();
  const sender = new Sender(options, handlers);
  // On the response itself, so that a request needs no closures of its own.
  const closed = function (this: ServerResponse) {
    unreadable.ended(this);
    handlers.ended?.(this.req.socket);
  };
  const server = createServer(
    {
      headersTimeout: options.headersMs,
      requestTimeout: options.requestMs,
      keepAliveTimeout: options.keepAliveMs,
      maxHeaderSize: options.maxHeaderBytes,
    },
    (request, response) => {
      // The client may be gone at any time; the response then closes without being finished.
      response.on("error", ignored);
      unreadable.began(response);
      handlers.began?.(request.socket);
      response.on("close", closed);
      answer(request, response, handlers, sender);
    },
  );
  server.on("clientError", unreadable.end);
  // Not in the documentation of Node, which otherwise closes the connection with the client's half of it.
  Object.assign(server, { httpAllowHalfOpen: true });
  return server;
}

function ignored(): void {}

/** A response that is there at once is sent at once: a promise for each request would cost as much as reading it. */
function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handlers: HttpServerHandlers,
  sender: Sender,
): void {
  let handled: AnyResponse | Promise<AnyResponse>;
  try {
    const request = read(incoming, outgoing);
    handled = typeof request === "string" ? handlers.refuse(request) : handlers.handle(request);
  } catch (error) {
    handled = handlers.failed(error);
  }
  if (!(handled instanceof Promise)) {
    sender.send(outgoing, handled);
    return;
  }
  void handled
    .catch((error: unknown) => handlers.failed(error))
    .then((response) => {
      sender.send(outgoing, response);
    });
}

function read(incoming: IncomingMessage, outgoing: ServerResponse): HttpRequest | Refusal {
  const { method = "", headers } = incoming;
  const target = readTarget(method, incoming.url ?? "");
  if (target === undefined) return "target";
  if (hostOf(incoming.rawHeaders) === "refused") return "host";
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") return "coding";
  const { origin } = target;
  const at = origin.indexOf("?");
  return new IncomingRequest(
    incoming,
    outgoing,
    at < 0 ? origin : origin.slice(0, at),
    at < 0 ? "" : origin.slice(at + 1),
  );
}

class IncomingRequest implements HttpRequest {
  readonly path: string;
  readonly query: string;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  #abort: AbortController | undefined;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse, path: string, query: string) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.path = path;
    this.query = query;
  }

  get method(): string {
    return this.#incoming.method ?? "";
  }

  get headers(): IncomingHttpHeaders {
    return this.#incoming.headers;
  }

  get socket(): Socket {
    return this.#incoming.socket;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      const outgoing = this.#outgoing;
      if (outgoing.destroyed) abort.abort();
      else {
        outgoing.once("close", () => {
          if (!outgoing.writableFinished) abort.abort();
        });
      }
    }
    return this.#abort.signal;
  }

  body(maxBytes: number): Promise<Buffer | undefined> {
    const incoming = this.#incoming;
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      let length = 0;
      incoming.on("data", (part: Buffer) => {
        length += part.length;
        if (length <= maxBytes) parts.push(part);
        // The rest is read and discarded within the time limit of a request: closing on a client that is
        // still sending would reset the connection before it reads the response.
        else resolve(undefined);
      });
      incoming.once("end", () => {
        resolve(Buffer.concat(parts));
      });
      incoming.once("error", reject);
    });
  }

  cut(): void {
    this.#incoming.socket.destroy();
  }
}
