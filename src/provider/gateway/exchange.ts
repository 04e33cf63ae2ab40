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
import { deliverPaid } from "./pay/paidDelivery.ts";
import type { Payments } from "./pay/payments.ts";
import type { Ticket } from "./pay/ticket.ts";
import { PAYMENT_HEADER } from "../../protocol/x402.ts";
import { paymentOf } from "../../sal/pay/flowPayment.ts";
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
  /** Undefined for a service without a price. */
  payments?: Payments | undefined;
  /** Flows of the SAL, which are encrypted. */
  flows: WeakSet<Socket>;
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
  /** The right of this request to be served; undefined for a service without a price. */
  #ticket: Ticket | undefined;
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
      const { payments } = this.#context;
      if (payments !== undefined) await this.#admitPaid(payments, admitted);
      if (this.#ticket?.isAnswered) await this.#answerAgain(this.#ticket);
      else {
        await this.#ask(admitted);
        await this.#delivered;
      }
    } catch (error) {
      await this.#fail(asProblem(error));
    }
  }

  async #admitPaid(payments: Payments, { client, host, target }: Admitted): Promise<void> {
    const { headers, method = "", socket } = this.#request;
    const header = headers[PAYMENT_HEADER];
    const inSession = paymentOf(socket);
    if (inSession !== undefined) {
      // The session pays for the flow, unless the request brings its own payment.
      if (header === undefined && (await inSession.request()) !== "unpaid") return;
      const charge = inSession.waive();
      (this.#client ?? this.#response).once("close", charge);
    }
    const { flows } = this.#context;
    const ticket = await payments.admit({
      ...{ method, target, host, client, overSal: flows.has(socket) },
      header: typeof header === "string" ? header : undefined,
    });
    this.#ticket = ticket;
    (this.#client ?? this.#response).once("close", () => {
      ticket.end(this.status !== undefined);
    });
    const { destroyed } = this.#client ?? this.#response;
    if (!destroyed) return;
    ticket.end(false);
    throw new GatewayProblem("CLIENT_GONE");
  }

  /** Sends an answer that was paid before, with a receipt for this request's nonce. */
  async #answerAgain(ticket: Ticket): Promise<void> {
    const request = this.#request;
    if (expectsContinue(request)) this.#response.writeContinue();
    const asked = new RequestBody(request, {
      maxBytes: this.#context.admission.maxRequestBytes,
      digest: true,
      onTooLarge: (problem) => {
        this.#cancellation.cancel(problem);
      },
    });
    this.#body = asked;
    asked.discard();
    const { status, headers, body } = await ticket.again(await asked.digest);
    const fields = [...headers];
    if (this.#nonce !== undefined) {
      fields.push(RECEIPT_FIELD, await this.#receiptFor(this.#nonce)(status, sha256(body)));
    }
    this.#response.writeHead(status, fields).end(body);
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
      digest: withNonce || this.#ticket !== undefined,
      onTooLarge: (problem) => {
        if (this.#response.writableEnded) request.destroy();
        else this.#cancellation.cancel(problem);
      },
    });
    const { host } = upstream;
    const isPriced = this.#ticket !== undefined;
    const forwarded = { host, client, clientHost, withNonce, upgrade, isPriced };
    const headers = upstreamHeaders(request, forwarded);
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
    const delivery = {
      request: this.#request,
      response: this.#response,
      cancellation: this.#cancellation,
      limits: this.#context.limits,
      upstreamHost: this.#context.upstream.host,
      openStream: () => {
        this.#hold(this.#context.streams);
      },
      receipt: this.#nonce === undefined ? undefined : this.#receiptFor(this.#nonce),
    };
    if (this.#ticket === undefined) return deliver(answer, delivery);
    const digest = () => this.#body?.digest ?? Promise.resolve(EMPTY_DIGEST);
    return deliverPaid(answer, { ...delivery, ticket: this.#ticket, digest });
  }

  /** Hands over the connection: HTTP ends at this point. */
  async #switch(
    client: Socket,
    message: Message,
    { socket, head }: NonNullable<UpstreamResponse["tunnel"]>,
  ): Promise<void> {
    try {
      this.#hold(this.#context.streams);
      const isPriced = this.#ticket !== undefined;
      const headers = clientHeaders(message, this.#context.upstream.host, isPriced);
      if (this.#ticket !== undefined) headers.push(...(await this.#payTunnel(this.#ticket)));
      if (this.#nonce !== undefined) {
        headers.push(RECEIPT_FIELD, await this.#receiptFor(this.#nonce)(101, EMPTY_DIGEST));
      }
      // Receipt and payment take turns of the event loop, in which either side may have left.
      if (client.destroyed) throw new GatewayProblem("CLIENT_GONE");
      if (socket.destroyed) throw new GatewayProblem("UPSTREAM_FAILED");
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

  /** Bytes of a tunnel are not counted, so only a price for requests applies to it. */
  async #payTunnel(ticket: Ticket): Promise<readonly string[]> {
    const fields = await ticket.settle({
      ...{ status: 101, headers: [], body: undefined, isMetered: false, length: undefined },
      digest: () => Promise.resolve(EMPTY_DIGEST),
    });
    await ticket.sending();
    return fields;
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
