import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { hostOf } from "./host.ts";
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

/** A response. A stream ends when its client closes the connection, or only its own half. */
export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body?: string | ReadableStream<Uint8Array> | undefined;
}

/**
 * A response with a text that is sent to many requests: its fields are listed and its text is measured once.
 * The server adds none of its own fields.
 */
export class PreparedResponse {
  readonly status: number;
  /** Alternating names and values, Content-Length among them. */
  readonly fields: readonly string[];
  readonly text: string;
  /** Node writes the head and a text in one text. ASCII is the same in both encodings, and Latin-1 is only copied. */
  readonly encoding: "latin1" | "utf8";

  constructor(status: number, fields: readonly string[], text: string) {
    const length = Buffer.byteLength(text);
    this.status = status;
    this.fields = [...fields, "content-length", String(length)];
    this.text = text;
    this.encoding = length === text.length ? "latin1" : "utf8";
  }
}

/** Header fields as a list of alternating names and values. */
export function fieldList(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flat();
}

/** A response, or one that is ready. */
export type AnyResponse = HttpResponse | PreparedResponse;

/** Why a request is refused before it reaches the handler. */
export type Refusal = "target" | "host" | "coding";

export interface HttpServerOptions {
  /** Largest head of a request, bytes. */
  maxHeaderBytes: number;
  /** Time limits for receiving a head, and a whole request, and for an idle connection, milliseconds. */
  headersMs: number;
  requestMs: number;
  keepAliveMs: number;
}

export interface HttpServerHandlers {
  /** Fields of every response. */
  readonly headers?: Readonly<Record<string, string>>;
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
  const common = fieldList(handlers.headers ?? {});
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
      answer(request, response, handlers, common);
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
  common: readonly string[],
): void {
  let handled: AnyResponse | Promise<AnyResponse>;
  try {
    const request = read(incoming, outgoing);
    handled = typeof request === "string" ? handlers.refuse(request) : handlers.handle(request);
  } catch (error) {
    handled = handlers.failed(error);
  }
  if (!(handled instanceof Promise)) {
    send(incoming, outgoing, handled, handlers, common);
    return;
  }
  void handled
    .catch((error: unknown) => handlers.failed(error))
    .then((response) => {
      send(incoming, outgoing, response, handlers, common);
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

function send(
  { method, socket }: IncomingMessage,
  outgoing: ServerResponse,
  response: AnyResponse,
  handlers: Pick<HttpServerHandlers, "failed">,
  common: readonly string[],
): void {
  if (response instanceof PreparedResponse) {
    sendText(method, outgoing, response);
    return;
  }
  const { status, headers, body } = response;
  const fields = [...common, ...fieldList(headers)];
  if (typeof body !== "string" && body !== undefined) {
    outgoing.writeHead(status, fields);
    if (method === "HEAD") {
      outgoing.end();
      body.cancel().catch((error: unknown) => handlers.failed(error));
    } else {
      stream(body, outgoing, socket).catch((error: unknown) => {
        // Its head is under way: the client sees that the rest is missing.
        handlers.failed(error);
        outgoing.destroy();
      });
    }
    return;
  }
  // RFC 9110, 8.6: neither has content.
  if (status === 204 || status === 304) {
    outgoing.writeHead(status, fields);
    outgoing.end();
    return;
  }
  sendText(method, outgoing, new PreparedResponse(status, fields, body ?? ""));
}

function sendText(
  method: string | undefined,
  outgoing: ServerResponse,
  { status, fields, text, encoding }: PreparedResponse,
): void {
  // Node reads the list and does not keep it, but its type is not a readonly one.
  outgoing.writeHead(status, fields as string[]);
  if (method === "HEAD" || text === "") outgoing.end();
  else outgoing.end(text, encoding);
}

/** Sends a stream as fast as its client reads. */
async function stream(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  socket: Socket,
): Promise<void> {
  const reader = body.getReader();
  const closed = () => {
    // A stream that was already ended has nothing to cancel.
    reader.cancel().catch(() => {});
  };
  outgoing.once("close", closed);
  // Nothing tells whether a client that closes its half still reads, and a stream has no end of its own.
  const left = () => outgoing.destroy();
  if (socket.readableEnded) left();
  else socket.once("end", left);
  outgoing.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || outgoing.destroyed) break;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  socket.off("end", left);
  outgoing.off("close", closed);
  outgoing.end();
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off("drain", done).off("close", done);
      resolve();
    };
    outgoing.on("drain", done).on("close", done);
  });
}
