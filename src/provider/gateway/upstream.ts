import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Dialling } from "./dialling.ts";
import { GatewayProblem } from "./problem.ts";
import type { RequestBody } from "./requestBody.ts";
import { headFault } from "../../node/http/upstreamHead.ts";
import { Watchdog } from "./watchdog.ts";

/** Safe methods, which may be repeated (RFC 9110, 9.2.1). */
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export interface UpstreamCall {
  method: string;
  /** In origin form. */
  target: string;
  /** A flat list of alternating names and values. */
  headers: string[];
  body: RequestBody;
  upgrade: boolean;
  /**
   * Called with the head of the response in the event that brings it, as promises are not: a reader that is
   * attached now gets the first part of the body without a detour through the stream's buffer.
   */
  begun(response: UpstreamResponse): void;
}

/** The head of the upstream's response; `tunnel` if it switched protocols. */
export interface UpstreamResponse {
  message: IncomingMessage;
  tunnel?: { socket: Socket; head: Buffer };
  /** Discards the rest of the request, which the upstream no longer needs. */
  release(): void;
}

/**
 * The provider's own server. Safe requests use connections that are kept alive for a moment, and are repeated
 * on a new connection if the kept one turns out to be closed. All other requests use a new connection. When a
 * kept connection is reset, Node does not tell (`reusedSocket`, `ECONNRESET`) whether the upstream had read
 * the request. A second try could then execute it twice, and giving up would report a failure that the
 * service never had (RFC 9110, 9.2.2). A JSON-RPC call is a POST; a new connection to a nearby server costs
 * it less than either.
 */
export class Upstream {
  readonly #dialling: Dialling;
  readonly #timeoutMs: number;

  constructor(dialling: Dialling, timeoutMs: number) {
    this.#dialling = dialling;
    this.#timeoutMs = timeoutMs;
  }

  /** Authority for the Host field. */
  get host(): string {
    return this.#dialling.host;
  }

  /**
   * Sends a request, and waits until the head of the response was handed to the call. The body of the response fails if the signal
   * aborts, or if the connection fails before the response is complete.
   *
   * @throws GatewayProblem `UPSTREAM_FAILED`, `UPSTREAM_TIMEOUT`, or the signal's reason.
   */
  async ask(call: UpstreamCall, signal: AbortSignal): Promise<void> {
    const { kept, fresh } = this.#dialling;
    const repeatable = SAFE.has(call.method) && call.body.empty && !call.upgrade;
    try {
      await this.#attempt(call, signal, repeatable ? kept : fresh);
    } catch (error) {
      // An idle connection that the upstream closes at the moment of its reuse is not a failure of the
      // service.
      if (!(error instanceof StaleConnection)) throw error;
      signal.throwIfAborted();
      await this.#attempt(call, signal, fresh);
    }
  }

  /** Closes idle connections. */
  close(): void {
    const { kept, fresh } = this.#dialling;
    kept.destroy();
    if (fresh !== false) fresh.destroy();
  }

  #attempt(call: UpstreamCall, signal: AbortSignal, agent: Agent | false): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      signal.throwIfAborted();
      const { send, to, explain } = this.#dialling;
      const request = send({
        ...to,
        method: call.method,
        path: call.target,
        headers: call.headers,
        agent,
      });
      // Node drops the fields after the first thousand without a word. The size of the head is bounded.
      request.maxHeadersCount = 0;
      const fail = (reason: unknown) => {
        watchdog.disarm();
        // Listeners stay attached, because the destroyed request may still report an error.
        request.destroy();
        reject(reason);
      };
      const watchdog = new Watchdog(this.#timeoutMs, () => {
        fail(new GatewayProblem("UPSTREAM_TIMEOUT"));
      });
      signal.addEventListener(
        "abort",
        () => {
          fail(signal.reason);
        },
        { once: true },
      );
      let response: IncomingMessage | undefined;
      request.on("error", (cause: NodeJS.ErrnoException) => {
        if (response === undefined) void failure(request, cause, explain).then(fail);
        // A body without a length ends with its connection. Node reports a broken connection only here, and
        // then ends the body as if it were complete.
        else if (!response.complete) response.destroy(cause);
      });
      const answered = (message: IncomingMessage, tunnel?: UpstreamResponse["tunnel"]) => {
        response = message;
        const fault = headFault(message);
        if (fault !== undefined) {
          fail(new GatewayProblem("UPSTREAM_FAILED", { cause: new Error(fault) }));
          return;
        }
        watchdog.disarm();
        call.body.answered();
        // It may fail before a reader is attached; the reader adds its own listener.
        message.on("error", () => {});
        call.begun({
          message,
          ...(tunnel && { tunnel }),
          release: () => {
            call.body.discard();
            if (!request.writableFinished) request.destroy();
          },
        });
        resolve();
      };
      request.on("response", (message) => {
        answered(message);
      });
      request.on("upgrade", (message, socket: Socket, head) => {
        socket.on("error", () => {});
        if (call.upgrade) {
          answered(message, { socket, head });
          return;
        }
        const cause = new Error("switched protocols unasked");
        fail(new GatewayProblem("UPSTREAM_FAILED", { cause }));
      });
      call.body.forward(request, watchdog);
    });
  }
}

/** A kept connection turned out to be closed; no part of a response was received. */
class StaleConnection extends Error {}

async function failure(
  request: ClientRequest,
  cause: NodeJS.ErrnoException,
  explain: Dialling["explain"],
): Promise<Error> {
  const closed = cause.code === "ECONNRESET" || cause.code === "EPIPE";
  if (request.reusedSocket && closed) return new StaleConnection(cause.message, { cause });
  return new GatewayProblem("UPSTREAM_FAILED", { cause: await explain(cause, request.socket) });
}
