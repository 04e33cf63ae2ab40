import type { IncomingMessage } from "node:http";
import { NONCE_HEADER, RECEIPT_HEADER } from "../protocol/receipt.ts";
import { endToEnd } from "./hopByHop.ts";
import { plainAddress } from "../net/peer.ts";

/** Name under which a gateway stands in Via (RFC 9110, 7.6.3). */
const VIA = "blockcloud";

/** Set by the gateway, or answered by it (Expect). */
const REPLACED = new Set([
  "host",
  "expect",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  NONCE_HEADER,
]);
/** With a nonce the answer must come in identity coding, which no field at all would not say. */
const REPLACED_WITH_NONCE = new Set([...REPLACED, "accept-encoding"]);
/** Only the gateway signs. */
const RECEIPT = new Set([RECEIPT_HEADER]);
/** Methods for which a missing Content-Length says all there is to say (RFC 9110, 8.6). */
const BODILESS = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "DELETE"]);

export interface RequestHeaderOptions {
  /** Authority of the upstream: a stranger must not choose among the hosts that live there. */
  host: string;
  withNonce: boolean;
  /** Asks for WebSocket. */
  upgrade: boolean;
}

/** Header fields for the upstream, flat. */
export function upstreamHeaders(request: IncomingMessage, options: RequestHeaderOptions): string[] {
  const headers = ["Host", options.host];
  headers.push(...endToEnd(request.rawHeaders, options.withNonce ? REPLACED_WITH_NONCE : REPLACED));
  if (options.withNonce) headers.push("Accept-Encoding", "identity");
  headers.push(...framing(request));
  if (options.upgrade) headers.push("Connection", "Upgrade", "Upgrade", "websocket");
  const hops = [request.headers["x-forwarded-for"], plainAddress(request.socket.remoteAddress)];
  headers.push("X-Forwarded-For", hops.filter((hop) => hop !== undefined).join(", "));
  if (request.headers.host !== undefined) headers.push("X-Forwarded-Host", request.headers.host);
  headers.push("X-Forwarded-Proto", "http");
  headers.push("Via", `${request.httpVersion} ${VIA}`);
  return headers;
}

/** Header fields for the client, flat, without those that frame the body. */
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

/** How the request body is delimited, said anew from what the strict parser understood. */
function framing(request: IncomingMessage): string[] {
  if (request.headers["transfer-encoding"] !== undefined) return ["Transfer-Encoding", "chunked"];
  const length = request.headers["content-length"];
  if (length !== undefined) return ["Content-Length", length];
  return BODILESS.has(request.method ?? "") ? [] : ["Content-Length", "0"];
}
