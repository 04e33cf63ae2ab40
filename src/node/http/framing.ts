import type { IncomingMessage } from "node:http";

/** Methods for which a missing Content-Length means that there is no body (RFC 9110, 8.6). */
const BODILESS = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "DELETE"]);

/** Whether a request announces a body. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || Number(length ?? 0) > 0;
}

/** The fields that delimit the request body for the next hop, generated from the strict parser's result. */
export function framing(request: IncomingMessage): string[] {
  if (request.headers["transfer-encoding"] !== undefined) return ["Transfer-Encoding", "chunked"];
  const length = request.headers["content-length"];
  if (length !== undefined) return ["Content-Length", plainLength(length)];
  return BODILESS.has(request.method ?? "") ? [] : ["Content-Length", "0"];
}

/** A Content-Length that the parser accepted, without leading zeros: some programs read those as octal. */
export function plainLength(length: string): string {
  return length.replace(/^0+(?=\d)/, "");
}

/** HTTP/1.0 has no transfer codings: servers of its time read such a body in another way (RFC 9112, 6.1). */
export function isChunkedOnly(coding: string, request: IncomingMessage): boolean {
  return coding.trim().toLowerCase() === "chunked" && request.httpVersion === "1.1";
}

/** HTTP/1.0 has no 100 (Continue). */
export function expectsContinue(request: IncomingMessage): boolean {
  return request.headers.expect !== undefined && request.httpVersion === "1.1";
}

/** Whether a request asks for WebSocket. HTTP/1.0 has no upgrades (RFC 9110, 7.8). */
export function isWebSocket(request: IncomingMessage): boolean {
  const protocol = request.headers.upgrade?.trim().toLowerCase();
  const mayUpgrade = request.httpVersion === "1.1" && request.method === "GET";
  return protocol === "websocket" && mayUpgrade && !hasBody(request);
}
