import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { EMPTY_DIGEST, RECEIPT_HEADER, sha256 } from "../../protocol/receipt.ts";
import type { BufferBudget } from "./bufferBudget.ts";
import type { Cancellation } from "./cancellation.ts";
import { plainLength } from "../../node/http/framing.ts";
import { clientHeaders } from "./forwardedHeaders.ts";
import { GatewayProblem } from "./problem.ts";
import { isBodiless, isEventStream, receiptPlace } from "./receiptPlace.ts";
import { collect, relay, type ReadOptions } from "./relay.ts";
import { announcedTrailers, takesTrailers, trailersOf } from "../../node/http/trailers.ts";
import type { UpstreamResponse } from "./upstream.ts";

/** The name of the response header field. */
export const RECEIPT_FIELD = "Service-Receipt";
/** Only the gateway may set a receipt. */
const isReceipt = (name: string) => name === RECEIPT_HEADER;

export interface DeliveryLimits {
  maxBufferedBytes: number;
  upstreamTimeoutMs: number;
  buffers: BufferBudget;
}

export interface Delivery {
  request: IncomingMessage;
  response: ServerResponse;
  cancellation: Cancellation;
  limits: DeliveryLimits;
  /** Authority of the upstream. */
  upstreamHost: string;
  /**
   * Counts a response that has no end of its own.
   *
   * @throws GatewayProblem if there are too many.
   */
  openStream(): void;
  /** Undefined if the client sent no nonce. Otherwise it waits for the whole request body. */
  receipt: ((status: number, responseDigest: Uint8Array) => Promise<string>) | undefined;
}

/** One way to deliver a response. */
type Way = (answer: UpstreamResponse, delivery: Delivery, options: ReadOptions) => Promise<void>;

/**
 * Delivers the upstream's response to the client, with a receipt if there is a nonce.
 *
 * @throws GatewayProblem if the upstream's response is incomplete; the part that was sent has no receipt.
 */
export async function deliver(answer: UpstreamResponse, delivery: Delivery): Promise<void> {
  const { limits, receipt, request, cancellation } = delivery;
  const head = headOf(answer, delivery);
  const eventStream = isEventStream(head.headers);
  // Events may be rare, so silence on either side is normal.
  if (eventStream) {
    delivery.openStream();
    request.socket.setTimeout(0);
    endWithClient(request.socket, delivery.response);
  }
  const silenceMs = eventStream ? undefined : limits.upstreamTimeoutMs;
  const place = receiptPlace(head, receipt !== undefined, limits.maxBufferedBytes);
  await WAYS[place](answer, delivery, { cancellation, silenceMs, request });
}

/**
 * Ends an event stream with its client's half of the connection: nothing else tells for a long time that a
 * client has left.
 */
export function endWithClient(client: Socket, response: ServerResponse): void {
  const left = () => response.destroy();
  if (client.readableEnded) left();
  client.once("end", left);
  response.once("close", () => client.off("end", left));
}

const streamed: Way = async (answer, { request, response, upstreamHost }, options) => {
  const headers = clientHeaders(answer.message, upstreamHost);
  const length = answer.message.headers["content-length"];
  // A response to HEAD or a 304 may give the length of the body that it does not carry; a 204 may not.
  if (length !== undefined && answer.message.statusCode !== 204) {
    headers.push("Content-Length", plainLength(length));
  }
  const trailers = length === undefined && takesTrailers(request);
  if (trailers) announce(headers, announcedTrailers(answer.message, isReceipt));
  writeHead(answer, response, headers);
  // Without a length the first byte may take long to arrive; the head need not wait for it.
  if (length === undefined && !isBodiless(headOf(answer, { request }))) response.flushHeaders();
  await relay(answer.message, response, options, {
    ...(length !== undefined && { length: Number(length) }),
  });
  answer.release();
  if (trailers) response.addTrailers(trailersOf(answer.message, isReceipt));
  if (!response.writableEnded) response.end();
};

const empty: Way = async (answer, { response, receipt, upstreamHost }) => {
  const headers = clientHeaders(answer.message, upstreamHost);
  const length = answer.message.headers["content-length"];
  if (length !== undefined && answer.message.statusCode !== 204) {
    headers.push("Content-Length", plainLength(length));
  }
  answer.release();
  await addReceipt(headers, receipt?.(answer.message.statusCode ?? 0, EMPTY_DIGEST));
  writeHead(answer, response, headers);
  response.end();
};

const buffered: Way = async (answer, delivery, options) => {
  const { response, receipt, limits, upstreamHost } = delivery;
  const length = Number(answer.message.headers["content-length"]);
  const giveBack = limits.buffers.reserve(length);
  if (giveBack === undefined) throw new GatewayProblem("GATEWAY_BUSY", { retryAfterMs: 1_000 });
  response.once("close", giveBack);
  const body = await collect(answer.message, length, options);
  answer.release();
  const headers = clientHeaders(answer.message, upstreamHost);
  headers.push("Content-Length", String(body.length));
  await addReceipt(headers, receipt?.(answer.message.statusCode ?? 0, sha256(body)));
  writeHead(answer, response, headers);
  response.end(body);
};

const withTrailer: Way = async (answer, delivery, options) => {
  const { request, response, receipt, upstreamHost } = delivery;
  const headers = clientHeaders(answer.message, upstreamHost);
  const others = takesTrailers(request);
  announce(headers, [
    ...(others ? announcedTrailers(answer.message, isReceipt) : []),
    RECEIPT_FIELD,
  ]);
  writeHead(answer, response, headers);
  response.flushHeaders();
  const hash = createHash("sha256");
  await relay(answer.message, response, options, { onChunk: (chunk) => hash.update(chunk) });
  answer.release();
  const value = await receipt?.(answer.message.statusCode ?? 0, hash.digest());
  response.addTrailers([
    ...(others ? trailersOf(answer.message, isReceipt) : []),
    ...(value === undefined ? [] : [[RECEIPT_FIELD, value] as [string, string]]),
  ]);
  response.end();
};

const WAYS = { none: streamed, empty, buffered, trailer: withTrailer };

export function announce(fields: string[], trailers: readonly string[]): void {
  if (trailers.length > 0) fields.push("Trailer", trailers.join(", "));
}

export async function addReceipt(
  fields: string[],
  receipt: Promise<string> | undefined,
): Promise<void> {
  if (receipt !== undefined) fields.push(RECEIPT_FIELD, await receipt);
}

export function writeHead(
  answer: UpstreamResponse,
  response: ServerResponse,
  headers: string[],
): void {
  response.writeHead(answer.message.statusCode ?? 0, answer.message.statusMessage ?? "", headers);
}

export function headOf(answer: UpstreamResponse, { request }: Pick<Delivery, "request">) {
  return {
    method: request.method ?? "",
    status: answer.message.statusCode ?? 0,
    headers: answer.message.headers,
  };
}
