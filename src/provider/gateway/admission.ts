import type { IncomingMessage } from "node:http";
import type { Hex } from "viem";
import { isChunkedOnly } from "../../node/http/framing.ts";
import { hostOf } from "../../node/http/host.ts";
import { peerOf } from "../../net/peer.ts";
import type { Client, TrustedProxies } from "../../net/proxies.ts";
import type { RateLimit } from "../../node/rateLimit.ts";
import { isNonce, NONCE_HEADER } from "../../protocol/receipt.ts";
import { GatewayProblem } from "./problem.ts";
import { readTarget } from "../../node/http/target.ts";

/** Real clients send a few dozen fields; the parser bounds the bytes. */
const MAX_HEADER_FIELDS = 100;

export interface AdmissionRules {
  maxRequestBytes: number;
  receiptRate: RateLimit;
  proxies: TrustedProxies;
}

/** The parts of a request that was accepted. */
export interface Admitted {
  /** Path and query for the upstream and the receipt. */
  target: string;
  client: Client;
  /** The host that the client addressed; undefined for HTTP/1.0 without one. */
  host: string | undefined;
  /** The client's nonce, if it wants a receipt. */
  nonce: Hex | undefined;
}

/**
 * Checks the head of a request.
 *
 * @throws GatewayProblem
 */
export function admit(request: IncomingMessage, rules: AdmissionRules): Admitted {
  const { headers, rawHeaders, method = "", url = "" } = request;
  if (rawHeaders.length > 2 * MAX_HEADER_FIELDS) throw new GatewayProblem("HEADERS_TOO_MANY");
  // The parser reads a line without a version as HTTP/0.9, and would respond with a head.
  if (request.httpVersionMajor !== 1) throw new GatewayProblem("VERSION_REFUSED");
  const target = readTarget(method, url);
  if (target === undefined) throw new GatewayProblem("TARGET_REFUSED");
  const found = hostOf(rawHeaders);
  if (found === "refused") throw new GatewayProblem("HOST_REFUSED");
  // The parser unpacks only the chunks; the upstream would get packed bytes that nothing names.
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && !isChunkedOnly(coding, request)) {
    throw new GatewayProblem("TRANSFER_CODING_REFUSED");
  }
  if (Number(headers["content-length"] ?? 0) > rules.maxRequestBytes) {
    throw new GatewayProblem("BODY_TOO_LARGE");
  }
  const nonce = headers[NONCE_HEADER];
  if (nonce !== undefined && !isNonce(nonce)) throw new GatewayProblem("NONCE_MALFORMED");
  const client = rules.proxies.clientOf(request);
  const host = client.host ?? target.authority ?? found.host;
  const admitted = { target: target.origin, client, host, nonce };
  if (nonce === undefined) return { ...admitted, nonce };
  // HTTP/1.0 has no trailers, and only the upstream's response shows whether one is needed.
  if (request.httpVersion !== "1.1") throw new GatewayProblem("NONCE_NEEDS_HTTP_1_1");
  const retryAfterMs = rules.receiptRate.take(peerOf(client.address));
  if (retryAfterMs > 0) throw new GatewayProblem("RECEIPTS_EXHAUSTED", { retryAfterMs });
  return { ...admitted, nonce };
}
