import type { IncomingMessage } from "node:http";
import type { Hex } from "viem";
import { peerOf } from "../../net/peer.ts";
import type { RateLimit } from "../../node/rateLimit.ts";
import { isNonce, NONCE_HEADER } from "../../protocol/receipt.ts";
import { GatewayProblem } from "./problem.ts";

/** Real clients send a few dozen fields; the parser bounds the bytes. */
const MAX_HEADER_FIELDS = 100;

export interface AdmissionRules {
  maxRequestBytes: number;
  receiptRate: RateLimit;
}

/**
 * Checks the head of a request.
 *
 * @returns The client's nonce, if it wants a receipt.
 * @throws GatewayProblem
 */
export function admit(request: IncomingMessage, rules: AdmissionRules): Hex | undefined {
  if (request.rawHeaders.length > 2 * MAX_HEADER_FIELDS) {
    throw new GatewayProblem("HEADERS_TOO_MANY");
  }
  // The parser reads a line without a version as HTTP/0.9, and would respond with a head.
  if (request.httpVersionMajor !== 1) throw new GatewayProblem("VERSION_REFUSED");
  // The other forms name a host, as for a forward proxy; a receipt covers only the origin-form.
  if (!request.url?.startsWith("/")) throw new GatewayProblem("TARGET_REFUSED");
  if (Number(request.headers["content-length"] ?? 0) > rules.maxRequestBytes) {
    throw new GatewayProblem("BODY_TOO_LARGE");
  }
  const nonce = request.headers[NONCE_HEADER];
  if (nonce === undefined) return undefined;
  if (!isNonce(nonce)) throw new GatewayProblem("NONCE_MALFORMED");
  // HTTP/1.0 has no trailers, and only the upstream's response shows whether one is needed.
  if (request.httpVersion !== "1.1") throw new GatewayProblem("NONCE_NEEDS_HTTP_1_1");
  const retryAfterMs = rules.receiptRate.take(peerOf(request.socket.remoteAddress));
  if (retryAfterMs > 0) throw new GatewayProblem("RECEIPTS_EXHAUSTED", { retryAfterMs });
  return nonce;
}
