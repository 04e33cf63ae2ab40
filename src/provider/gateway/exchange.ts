import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Hex } from "viem";
import type { Logger } from "../../node/logger.ts";
import type { PeerBounds } from "../../net/peerBounds.ts";
import { EMPTY_DIGEST, sha256 } from "../../protocol/receipt.ts";
import { admit, type AdmissionRules, type Admitted } from "./admission.ts";
import { Cancellation } from "./cancellation.ts";
import { deliver, RECEIPT_FIELD, type DeliveryLimits } from "./delivery.ts";
import { expectsContinue, hasBody } from "../../node/http/framing.ts";
import type { Message } from "../../node/http/client/message.ts";
import { linger } from "../../node/http/linger.ts";
import { clientHeaders, upstreamHeaders } from "./forwardedHeaders.ts";
import { asProblem, GatewayProblem } from "./problem.ts";
import type { GatewayObserver } from "../metrics.ts";
import { RequestBody } from "./requestBody.ts";
import type { ServiceReceipts } from "./serviceReceipts.ts";
import { onEarlyEnd, writeSwitchingProtocols } from "../../node/http/upgrade.ts";
import { tunnel } from "./tunnel.ts";
import type { Upstream, UpstreamResponse } from "./upstream.ts";

/** The dependencies that all exchanges of a gateway share. */
export interface ExchangeContext {
  admission: AdmissionRules;
  limits: DeliveryLimits;
  receipts: ServiceReceipts;
  upstream: Upstream;
  /** Concurrent requests of clients that trusted proxies name. */
  proxied: PeerBounds;
  /** Event streams and tunnels. */
  streams: PeerBounds;
  observer?: GatewayObserver | undefined;
  logger: Logger;
}

/** One request and its response. No error leaves the exchange. */
export class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #context: ExchangeContext;
  readonly #client: Socket | undefined;
  /** Cancelled when the client has gone, or when the upstream is no longer needed. */
  readonly #cancellation = new Cancellation();
  #admitted: Admitted | undefined;
  #switched = false;
  #body: RequestBody | undefined;
  /** Settles when the upstream's response was delivered. */
  #delivered: Promise<void> | undefined;

  /** @param client - The client's connection, if it asks for WebSocket. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    context: ExchangeContext,
    client?: Socket,
  ) {
    this.#request = request;
    this.#response = response;
    this.#context = context;
    this.#client = client;
  }

  /** The status that was sent; undefined if the client left before. */
  get status(): number | undefined {
    if (this.#switched) return 101;
    return this.#response.headersSent ? this.#response.statusCode : undefined;
  }

  /** Serves the request; never throws. */
  async run(): Promise<void> {
    const response = this.#response;
    response.on("error", () => {});
    response.once("close", () => {
      if (!response.writableFinished) this.#cancellation.cancel(new GatewayProblem("CLIENT_GONE"));
    });
    try {
      const admitted = admit(this.#request, this.#context.admission);
      this.#admitted = admitted;
      // A direct client's connections are counted instead.
      if (admitted.client.hops.length > 1) this.#hold(this.#context.proxied);
      await this.#ask(admitted);
      await this.#delivered;
    } catch (error) {
      await this.#fail(asProblem(error));
    }
  }

  get #nonce(): Hex | undefined {
    return this.#admitted?.nonce;
  }

  /**
   * Counts the exchange until it ends.
   *
   * @throws GatewayProblem if the client or all clients hold too many.
   */
  #hold(held: PeerBounds): void {
    const address = this.#admitted?.client.address ?? "unknown";
    const reached = held.reached(address);
    if (reached !== undefined) {
      const isStream = held === this.#context.streams;
      const code = reached === "total" ? "STREAMS_FULL" : "STREAMS_EXCEEDED";
      throw new GatewayProblem(isStream ? code : "REQUESTS_EXCEEDED", { retryAfterMs: 1_000 });
    }
    held.add(address);
    (this.#client ?? this.#response).once("close", () => {
      held.remove(address);
    });
  }

  #ask({ client, host: clientHost }: Admitted): Promise<void> {
    const request = this.#request;
    const { admission, upstream } = this.#context;
    const upgrade = this.#client !== undefined;
    const withNonce = this.#nonce !== undefined;
    // The gateway itself sends 100 (Continue): a receipt needs the whole body, whatever the upstream
    // responds.
    if (expectsContinue(request) && !upgrade) this.#response.writeContinue();
    this.#body = new RequestBody(request, {
      maxBytes: admission.maxRequestBytes,
      digest: withNonce,
      onTooLarge: (problem) => {
        if (this.#response.writableEnded) request.destroy();
        else this.#cancellation.cancel(problem);
      },
    });
    const { host } = upstream;
    const headers = upstreamHeaders(request, { host, client, clientHost, withNonce, upgrade });
    const { method, target } = this.#asked();
    const unwatch = this.#client && onEarlyEnd(this.#client, () => this.#response.destroy());
    const begun = (answer: UpstreamResponse) => {
      unwatch?.();
      this.#delivered =
        answer.tunnel && this.#client
          ? this.#switch(this.#client, answer.message, answer.tunnel)
          : this.#deliver(answer);
    };
    const call = { method, target, headers, body: this.#body, upgrade, begun };
    const asked = upstream.ask(call, this.#cancellation);
    return unwatch === undefined ? asked : asked.finally(unwatch);
  }

  #deliver(answer: UpstreamResponse): Promise<void> {
    return deliver(answer, {
      request: this.#request,
      response: this.#response,
      cancellation: this.#cancellation,
      limits: this.#context.limits,
      upstreamHost: this.#context.upstream.host,
      openStream: () => {
        this.#hold(this.#context.streams);
      },
      receipt: this.#nonce === undefined ? undefined : this.#receiptFor(this.#nonce),
    });
  }

  /** Hands over the connection: HTTP ends at this point. */
  async #switch(
    client: Socket,
    message: Message,
    { socket, head }: NonNullable<UpstreamResponse["tunnel"]>,
  ): Promise<void> {
    try {
      this.#hold(this.#context.streams);
      const headers = clientHeaders(message, this.#context.upstream.host);
      if (this.#nonce !== undefined) {
        headers.push(RECEIPT_FIELD, await this.#receiptFor(this.#nonce)(101, EMPTY_DIGEST));
        // The receipt took a turn of the event loop, in which either side may have left.
        if (client.destroyed) throw new GatewayProblem("CLIENT_GONE");
        if (socket.destroyed) throw new GatewayProblem("UPSTREAM_FAILED");
      }
      this.#response.detachSocket(client);
      writeSwitchingProtocols(client, message, headers);
      this.#switched = true;
      if (head.length > 0) socket.unshift(head);
      tunnel(client, socket);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** The receipt, once the whole request body was read. */
  #receiptFor(nonce: Hex) {
    return async (status: number, responseDigest: Uint8Array): Promise<string> => {
      const requestDigest = (await this.#body?.digest) ?? EMPTY_DIGEST;
      const exchange = { ...this.#asked(), requestDigest, status, responseDigest };
      const receipt = await this.#context.receipts.issue(nonce, exchange);
      this.#context.observer?.receipt();
      return receipt;
    };
  }

  #asked(): { method: string; target: string } {
    return { method: this.#request.method ?? "", target: this.#admitted?.target ?? "" };
  }

  async #fail(problem: GatewayProblem): Promise<void> {
    // If the parser cannot delimit the body, it refuses the request right after the event for its head.
    await Promise.resolve();
    this.#report(problem);
    this.#cancellation.cancel(problem);
    this.#body?.discard();
    // A response that has started cannot be withdrawn: the only correct end is to break the connection,
    // without a receipt.
    if (this.#response.headersSent || this.#response.destroyed) {
      this.#response.destroy();
      return;
    }
    try {
      await this.#answerProblem(problem);
    } catch (error) {
      this.#report(asProblem(error));
      this.#response.destroy();
    }
  }

  async #answerProblem(problem: GatewayProblem): Promise<void> {
    const { body } = problem;
    const headers = [...problem.headers, "Content-Length", String(body.length)];
    if (problem.receipted) {
      if (this.#nonce !== undefined) {
        const digest = this.#request.method === "HEAD" ? EMPTY_DIGEST : sha256(body);
        headers.push(RECEIPT_FIELD, await this.#receiptFor(this.#nonce)(problem.status, digest));
      }
      this.#response.writeHead(problem.status, headers).end(body);
      return;
    }
    // Keeping the connection is not worth reading the rest of a refused body.
    const more = hasBody(this.#request) && !this.#request.readableEnded;
    if (more) headers.push("Connection", "close");
    this.#response.writeHead(problem.status, headers).write(body);
    // A client that waits for 100 (Continue) has not started to send, and now will not.
    if (more && (this.#body !== undefined || !expectsContinue(this.#request))) {
      await linger(this.#request);
    }
    this.#response.end();
  }

  #report(problem: GatewayProblem): void {
    const { code, cause } = problem;
    this.#context.observer?.problem(code);
    const fields = { code, method: this.#request.method, ...describe(cause) };
    const { logger } = this.#context;
    if (code === "GATEWAY_FAILED") logger.error("Request failed in the gateway", fields);
    else if (problem.receipted) logger.warn("Upstream failed", fields);
    else logger.debug("Request refused or given up", fields);
  }
}

/** The part of a cause that may be logged: never the packet that a parser's error carries. */
function describe(cause: unknown): { cause?: string } {
  if (cause === undefined) return {};
  if (!(cause instanceof Error)) return { cause: typeof cause };
  return { cause: `${(cause as NodeJS.ErrnoException).code ?? cause.name}: ${cause.message}` };
}
