import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { GatewayProblem } from "./gatewayProblem.ts";
import type { RequestBody } from "./requestBody.ts";
import { Watchdog } from "./watchdog.ts";

/** Idle connections are dropped early: the longer one waits, the likelier the upstream closes it first. */
const IDLE_MS = 2_000;
/** Asking these again changes nothing (RFC 9110, 9.2.1). */
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export interface UpstreamCall {
  method: string;
  /** Origin-form, as the client sent it. */
  target: string;
  /** Flat: names and values in turns. */
  headers: string[];
  body: RequestBody;
  upgrade: boolean;
}

/** The head of the upstream's answer; `tunnel` when it switched protocols. */
export interface UpstreamAnswer {
  message: IncomingMessage;
  tunnel?: { socket: Socket; head: Buffer };
  /** The upstream needs nothing more: drops what is left of the request. */
  release(): void;
}

/**
 * The provider's own server. Requests that change nothing go over connections that are kept for a moment,
 * and once more over a new one when the kept one turns out to be closed. All others have a connection of
 * their own: when a kept one is reset, nothing that Node tells (`reusedSocket`, `ECONNRESET`) says whether
 * the upstream had read the request by then, so that a second attempt could do it twice and none would be a
 * failure that the service never had (RFC 9110, 9.2.2). A JSON-RPC call is a POST; a connection to a server
 * that is near costs it less than either.
 */
export class Upstream {
  readonly #url: URL;
  readonly #timeoutMs: number;
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_MS });

  constructor(url: URL, timeoutMs: number) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  /** Authority for the Host field. */
  get host(): string {
    return this.#url.host;
  }

  /**
   * Asks, and waits for the head of the answer. The body of the answer ends in an error if the signal aborts.
   *
   * @throws GatewayProblem `UPSTREAM_FAILED`, `UPSTREAM_TIMEOUT`, or the signal's reason.
   */
  async ask(call: UpstreamCall, signal: AbortSignal): Promise<UpstreamAnswer> {
    const repeatable = SAFE.has(call.method) && call.body.empty && !call.upgrade;
    try {
      return await this.#attempt(call, signal, repeatable ? this.#agent : false);
    } catch (error) {
      // An idle connection that the upstream closes just as it is used says nothing about the service.
      if (!(error instanceof StaleConnection)) throw error;
      signal.throwIfAborted();
      return await this.#attempt(call, signal, false);
    }
  }

  /** Closes the connections that are idle. */
  close(): void {
    this.#agent.destroy();
  }

  #attempt(call: UpstreamCall, signal: AbortSignal, agent: Agent | false): Promise<UpstreamAnswer> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const request = httpRequest({
        hostname: this.#url.hostname.replace(/^\[|\]$/g, ""),
        port: this.#url.port || 80,
        method: call.method,
        path: call.target,
        headers: call.headers,
        agent,
      });
      const fail = (reason: unknown) => {
        watchdog.disarm();
        // Listeners stay: the destroyed request may still report an error.
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
      request.on("error", (cause: NodeJS.ErrnoException) => {
        fail(failure(request, cause));
      });
      const answered = (message: IncomingMessage, tunnel?: UpstreamAnswer["tunnel"]) => {
        watchdog.disarm();
        call.body.answered();
        // It may fail before anybody reads it; whoever reads it adds a listener.
        message.on("error", () => {});
        resolve({
          message,
          ...(tunnel && { tunnel }),
          release: () => {
            call.body.discard();
            if (!request.writableFinished) request.destroy();
          },
        });
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
        fail(new GatewayProblem("UPSTREAM_FAILED", { cause: "101 without an upgrade" }));
      });
      call.body.forward(request, watchdog);
    });
  }
}

/** A kept connection turned out to be closed; nothing of an answer came. */
class StaleConnection extends Error {}

function failure(request: ClientRequest, cause: NodeJS.ErrnoException): Error {
  const closed = cause.code === "ECONNRESET" || cause.code === "EPIPE";
  if (request.reusedSocket && closed) return new StaleConnection(cause.message, { cause });
  return new GatewayProblem("UPSTREAM_FAILED", { cause });
}
