import type { IncomingMessage } from "node:http";
import { NONCE_HEADER, RECEIPT_HEADER } from "../../protocol/receipt.ts";
import { endToEnd } from "./hopByHop.ts";
import { plainAddress } from "../../net/peer.ts";
import { takesTrailers } from "./trailers.ts";

/** The gateway's name in Via (RFC 9110, 7.6.3). */
const VIA = "blockcloud";

/** Fields that the gateway sets, or handles itself (Expect). */
const REPLACED = new Set([
  "host",
  "expect",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  NONCE_HEADER,
]);
/**
 * With a nonce the response must use identity coding, so the field must be set: leaving it out would allow
 * any coding.
 */
const REPLACED_WITH_NONCE = new Set([...REPLACED, "accept-encoding"]);
/** Only the gateway may set a receipt. */
const RECEIPT = new Set([RECEIPT_HEADER]);
/** Methods for which a missing Content-Length means that there is no body (RFC 9110, 8.6). */
const BODILESS = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "DELETE"]);

export interface RequestHeaderOptions {
  /** Authority of the upstream: a client must not choose among its virtual hosts. */
  host: string;
  withNonce: boolean;
  /** The host that the client addressed. */
  clientHost: string | undefined;
  /** Whether the request asks for WebSocket. */
  upgrade: boolean;
}

/** Header fields for the upstream, as a flat list. */
export function upstreamHeaders(request: IncomingMessage, options: RequestHeaderOptions): string[] {
  const headers = ["Host", options.host];
  headers.push(...endToEnd(request.rawHeaders, options.withNonce ? REPLACED_WITH_NONCE : REPLACED));
  if (options.withNonce) headers.push("Accept-Encoding", "identity");
  headers.push(...framing(request));
  if (options.upgrade) headers.push("Connection", "Upgrade", "Upgrade", "websocket");
  else if (takesTrailers(request)) headers.push("Connection", "TE", "TE", "trailers");
  const hops = [request.headers["x-forwarded-for"], plainAddress(request.socket.remoteAddress)];
  headers.push("X-Forwarded-For", hops.filter((hop) => hop !== undefined).join(", "));
  if (options.clientHost !== undefined) headers.push("X-Forwarded-Host", options.clientHost);
  headers.push("X-Forwarded-Proto", "http");
  headers.push("Via", `${request.httpVersion} ${VIA}`);
  return headers;
}

/** Header fields for the client, as a flat list without those that frame the body. */
export function clientHeaders(answer: IncomingMessage): string[] {
  const headers = endToEnd(answer.rawHeaders, RECEIPT);
  headers.push("Via", `${answer.httpVersion} ${VIA}`);
  return headers;
}

/** Whether a request announces a body. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || Number(length ?? 0) > 0;
}

/** The fields that delimit the request body, generated from the strict parser's result. */
function framing(request: IncomingMessage): string[] {
  if (request.headers["transfer-encoding"] !== undefined) return ["Transfer-Encoding", "chunked"];
  const length = request.headers["content-length"];
  if (length !== undefined) return ["Content-Length", length];
  return BODILESS.has(request.method ?? "") ? [] : ["Content-Length", "0"];
}
