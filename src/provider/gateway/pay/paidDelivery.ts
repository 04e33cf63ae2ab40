import { createHash } from "node:crypto";
import { plainLength } from "../../../node/http/framing.ts";
import { announcedTrailers, takesTrailers, trailersOf } from "../../../node/http/trailers.ts";
import { EMPTY_DIGEST, RECEIPT_HEADER, sha256 } from "../../../protocol/receipt.ts";
import {
  addReceipt,
  announce,
  endWithClient,
  headOf,
  RECEIPT_FIELD,
  writeHead,
  type Delivery,
} from "../delivery.ts";
import { clientHeaders } from "../forwardedHeaders.ts";
import { GatewayProblem } from "../problem.ts";
import { isBodiless, isEventStream } from "../receiptPlace.ts";
import { collect, relay, type BodySource, type ReadOptions } from "../relay.ts";
import type { UpstreamResponse } from "../upstream.ts";
import { gather } from "./held.ts";
import { KEPT_BYTES, type Ticket } from "./ticket.ts";

export interface PaidDelivery extends Delivery {
  readonly ticket: Ticket;
  /** SHA-256 of the request's body, once it was read. */
  digest(): Promise<Uint8Array>;
}

const isReceipt = (name: string) => name === RECEIPT_HEADER;

/**
 * Delivers the answer of a priced service: a short one is read, kept, paid and sent; a longer or streamed one is paid
 * while its body waits. A body of unknown length is short if all of it comes at once.
 *
 * @throws GatewayProblem if it is not paid, or incomplete.
 */
export async function deliverPaid(answer: UpstreamResponse, delivery: PaidDelivery): Promise<void> {
  const { limits, request, cancellation, response } = delivery;
  const head = headOf(answer, delivery);
  const eventStream = isEventStream(head.headers);
  const written = answer.message.headers["content-length"];
  const length = written === undefined ? undefined : Number(written);
  const silenceMs = eventStream ? undefined : limits.upstreamTimeoutMs;
  const options = { cancellation, silenceMs, request };
  if (isBodiless(head)) {
    await deliverKept(answer, delivery, Buffer.alloc(0), written);
    return;
  }
  if (!eventStream && length !== undefined && length <= KEPT_BYTES) {
    const giveBack = limits.buffers.reserve(length);
    if (giveBack === undefined) throw new GatewayProblem("GATEWAY_BUSY", { retryAfterMs: 1_000 });
    response.once("close", giveBack);
    const body = await collect(answer.message, length, options);
    await deliverKept(answer, delivery, body, String(body.length));
    return;
  }
  const giveBack =
    eventStream || length !== undefined ? undefined : limits.buffers.reserve(KEPT_BYTES);
  if (giveBack !== undefined) response.once("close", giveBack);
  const wait = gather(answer.message, giveBack === undefined ? 0 : KEPT_BYTES, options);
  if (eventStream) {
    delivery.openStream();
    request.socket.setTimeout(0);
    endWithClient(request.socket, response);
  }
  const gathered = await wait;
  if ("body" in gathered) {
    await deliverKept(answer, delivery, gathered.body, String(gathered.body.length));
    return;
  }
  const { held } = gathered;
  await deliverStreamed(answer, delivery, { held, length, options });
}

async function deliverKept(
  answer: UpstreamResponse,
  { response, receipt, upstreamHost, ticket, digest, cancellation }: PaidDelivery,
  body: Buffer,
  length: string | undefined,
): Promise<void> {
  answer.release();
  const status = answer.message.statusCode;
  const headers = clientHeaders(answer.message, upstreamHost, true);
  // A response to HEAD or a 304 may give the length of the body that it does not carry; a 204 may not.
  if (length !== undefined && status !== 204) headers.push("Content-Length", plainLength(length));
  const fields = await ticket.settle({
    ...{ status, headers, body, length: body.length, isMetered: true, digest },
  });
  const all = [...headers, ...fields];
  await addReceipt(all, receipt?.(status, body.length === 0 ? EMPTY_DIGEST : sha256(body)));
  cancellation.throwIfCancelled();
  writeHead(answer, response, all);
  response.end(body);
}

async function deliverStreamed(
  answer: UpstreamResponse,
  { request, response, receipt, upstreamHost, ticket, digest, cancellation }: PaidDelivery,
  body: { held: BodySource; length: number | undefined; options: ReadOptions },
): Promise<void> {
  const { message } = answer;
  const { length } = body;
  const status = message.statusCode;
  const headers = clientHeaders(message, upstreamHost, true);
  const fields = await ticket.settle({
    ...{ status, headers, body: undefined, length, isMetered: true, digest },
  });
  headers.push(...fields);
  // A receipt covers the whole body, so it follows it.
  const trailers = (receipt !== undefined || length === undefined) && takesTrailers(request);
  const others = trailers ? announcedTrailers(message, isReceipt) : [];
  if (receipt === undefined && length !== undefined) headers.push("Content-Length", String(length));
  announce(headers, [...others, ...(receipt === undefined ? [] : [RECEIPT_FIELD])]);
  cancellation.throwIfCancelled();
  await ticket.sending();
  cancellation.throwIfCancelled();
  writeHead(answer, response, headers);
  response.flushHeaders();
  const hash = receipt === undefined ? undefined : createHash("sha256");
  const onChunk = (chunk: Buffer) => {
    if (!ticket.pass(chunk.length)) throw new GatewayProblem("PAYMENT_USED_UP");
    hash?.update(chunk);
  };
  await relay(body.held, response, body.options, { onChunk });
  answer.release();
  const own = receipt && hash && (await receipt(status, hash.digest()));
  response.addTrailers([
    ...(trailers ? trailersOf(message, isReceipt) : []),
    ...(own === undefined ? [] : [[RECEIPT_FIELD, own] as [string, string]]),
  ]);
  response.end();
}
