import type { Socket } from "node:net";
import type { CallFailure } from "../../node/http/client/call.ts";
import { ConnectionPool } from "../../node/http/client/connectionPool.ts";
import type { Message } from "../../node/http/client/message.ts";
import type { Cancellation } from "./cancellation.ts";
import type { Dialling } from "./dialling.ts";
import { GatewayProblem } from "./problem.ts";
import type { RequestBody } from "./requestBody.ts";
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
  message: Message;
  tunnel?: { socket: Socket; head: Buffer };
  /** Discards the rest of the request, which the upstream no longer needs. */
  release(): void;
}

/**
 * The provider's own server. Safe requests use connections that are kept alive for a moment, and are repeated
 * on a new connection if the kept one turns out to be closed. All other requests use a new connection. When a
 * kept connection is reset, it cannot be told whether the upstream had read the request. A second try could then execute it twice, and giving up would report a failure that the
 * service never had (RFC 9110, 9.2.2). A JSON-RPC call is a POST; a new connection to a nearby server costs
 * it less than either.
 */
export class Upstream {
  readonly #dialling: Dialling;
  readonly #pool: ConnectionPool;
  readonly #timeoutMs: number;

  constructor(dialling: Dialling, timeoutMs: number) {
    this.#dialling = dialling;
    this.#pool = new ConnectionPool(dialling.connect);
    this.#timeoutMs = timeoutMs;
  }

  /** Authority for the Host field. */
  get host(): string {
    return this.#dialling.host;
  }

  /**
   * Sends a request, and waits until the head of the response was handed to the call. The body of the response fails if
   * the connection fails before the response is complete.
   *
   * @throws GatewayProblem `UPSTREAM_FAILED`, `UPSTREAM_TIMEOUT`, or the reason of the cancellation.
   */
  async ask(call: UpstreamCall, cancellation: Cancellation): Promise<void> {
    const repeatable = SAFE.has(call.method) && call.body.empty && !call.upgrade;
    try {
      await this.#attempt(call, cancellation, repeatable);
    } catch (error) {
      // An idle connection that the upstream closes at the moment of its reuse is not a failure of the
      // service.
      if (!(error instanceof StaleConnection)) throw error;
      cancellation.throwIfCancelled();
      await this.#attempt(call, cancellation, false);
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#pool.close();
  }

  #attempt(call: UpstreamCall, cancellation: Cancellation, isKept: boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      cancellation.throwIfCancelled();
      const { body, upgrade } = call;
      const { explain } = this.#dialling;
      const watchdog = new Watchdog(this.#timeoutMs, () => {
        fail(new GatewayProblem("UPSTREAM_TIMEOUT"));
      });
      const fail = (reason: Error) => {
        watchdog.disarm();
        running.cancel();
        reject(reason);
      };
      const answered = (message: Message, tunnel?: UpstreamResponse["tunnel"]) => {
        watchdog.disarm();
        body.answered();
        call.begun({
          message,
          ...(tunnel && { tunnel }),
          release: () => {
            body.discard();
            running.cancelUnlessSent();
          },
        });
        resolve();
      };
      const running = this.#pool.send(
        {
          method: call.method,
          target: call.target,
          headers: call.headers,
          upgrade,
          answered,
          switched: (message, socket, head) => {
            answered(message, { socket, head });
          },
          drained: () => {
            body.drained();
          },
          failed: (failure) => {
            watchdog.disarm();
            void asReason(failure, explain).then(reject);
          },
        },
        isKept,
      );
      cancellation.onCancel(fail);
      body.forward(running, watchdog);
    });
  }
}

/** A kept connection turned out to be closed; no part of a response was received. */
class StaleConnection extends Error {}

async function asReason(failure: CallFailure, explain: Dialling["explain"]): Promise<Error> {
  const { cause, isStale, socket } = failure;
  const closed = cause.code === "ECONNRESET" || cause.code === "EPIPE";
  if (isStale && closed) return new StaleConnection(cause.message, { cause });
  return new GatewayProblem("UPSTREAM_FAILED", { cause: await explain(cause, socket) });
}
