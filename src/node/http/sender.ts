import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { fieldList, PreparedResponse, type AnyResponse } from "./response.ts";

/** What sending needs of a server's options and handlers. */
export interface SenderOptions {
  /** How long a client may read nothing of a response that waits for it, milliseconds; default: no limit. */
  unreadMs?: number | undefined;
}

export interface SenderHandlers {
  /** Fields of every response. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream has failed after its head; what it returns is not sent. */
  failed(error: unknown): unknown;
  /** A whole response waits in memory, because its client has not read it or those before it. */
  waits?(response: ServerResponse, bytes: number): void;
}

/** Sends responses, and notices clients that do not read. */
export class Sender {
  readonly #unreadMs: number | undefined;
  readonly #handlers: SenderHandlers;
  readonly #common: readonly string[];

  constructor({ unreadMs }: SenderOptions, handlers: SenderHandlers) {
    this.#unreadMs = unreadMs;
    this.#handlers = handlers;
    this.#common = fieldList(handlers.headers ?? {});
  }

  send(outgoing: ServerResponse, response: AnyResponse): void {
    if (response instanceof PreparedResponse) {
      this.#sendWhole(outgoing, response);
      return;
    }
    const { status, headers, body } = response;
    const fields = [...this.#common, ...fieldList(headers)];
    if (body instanceof ReadableStream) {
      outgoing.writeHead(status, fields);
      this.#sendStream(outgoing, body);
      return;
    }
    // RFC 9110, 8.6: neither has content.
    if (status === 204 || status === 304) {
      outgoing.writeHead(status, fields);
      outgoing.end();
      return;
    }
    this.#sendWhole(outgoing, new PreparedResponse(status, fields, body ?? ""));
  }

  #sendWhole(
    outgoing: ServerResponse,
    { status, fields, body, length, encoding }: PreparedResponse,
  ) {
    // Node reads the list and does not keep it, but its type is not a readonly one.
    outgoing.writeHead(status, fields as string[]);
    const { method, socket } = outgoing.req;
    if (method === "HEAD" || length === 0) {
      outgoing.end();
      return;
    }
    outgoing.end(body, encoding);
    // The system has taken it whole, as nearly always, or it waits here or behind earlier responses.
    if (outgoing.writableLength === 0) return;
    this.#watch(outgoing, socket);
    this.#handlers.waits?.(outgoing, length);
  }

  /** Cuts the connection of a client that reads nothing, until the response was sent. */
  #watch(outgoing: ServerResponse, socket: Socket): void {
    if (this.#unreadMs === undefined) return;
    // Node destroys the connection then.
    socket.setTimeout(this.#unreadMs);
    // Before Node sets the time for which a connection may be idle.
    outgoing.prependOnceListener("finish", () => socket.setTimeout(0));
  }

  #sendStream(outgoing: ServerResponse, body: ReadableStream<Uint8Array>): void {
    if (outgoing.req.method === "HEAD") {
      outgoing.end();
      body.cancel().catch((error: unknown) => this.#handlers.failed(error));
      return;
    }
    this.#stream(outgoing, body).catch((error: unknown) => {
      // Its head is under way: the client sees that the rest is missing.
      this.#handlers.failed(error);
      outgoing.destroy();
    });
  }

  /** Sends a stream as fast as its client reads. */
  async #stream(outgoing: ServerResponse, body: ReadableStream<Uint8Array>): Promise<void> {
    const { socket } = outgoing.req;
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
      if (!outgoing.write(value)) await this.#drained(outgoing, socket);
    }
    socket.off("end", left);
    outgoing.off("close", closed);
    outgoing.end();
  }

  #drained(outgoing: ServerResponse, socket: Socket): Promise<void> {
    const unreadMs = this.#unreadMs ?? 0;
    socket.setTimeout(unreadMs);
    return new Promise((resolve) => {
      const done = () => {
        outgoing.off("drain", done).off("close", done);
        // The source may be silent for any time.
        if (unreadMs > 0) socket.setTimeout(0);
        resolve();
      };
      outgoing.on("drain", done).on("close", done);
    });
  }
}
