import type { Duplex } from "node:stream";
import type { Hex } from "viem";
import { BlockcloudError } from "../protocol/errors.ts";
import { httpChannel, NONCE_HEADER, RECEIPT_HEADER, sha256 } from "../protocol/receipt.ts";
import { netRequest, type NetLimits, type NetResponse } from "./request.ts";
import type { Resolve } from "./resolve.ts";

/** A request to a service at one of its endpoints. */
export interface ServiceCall {
  /** URL that the service published. */
  endpoint: string;
  /** Path and query; they begin below the endpoint's own path. */
  path: string;
  /** Upper case. */
  method: string;
  headers: Record<string, string>;
  body: Uint8Array;
  /** For the receipt; without it none is asked for, because the flow's session has proved the service. */
  nonce?: Hex | undefined;
  /** A flow to the service, instead of a connection to the endpoint, and the service's name for the Host field. */
  over?: { flow: Duplex; host: string };
}

/** A response, and the data to check its receipt. */
export interface CalledService {
  response: NetResponse;
  /** The `Service-Receipt` from header or trailer, not verified. */
  receipt: string | undefined;
  /** Computes the channel that the receipt must be bound to. */
  channel(): Hex;
}

/**
 * Calls a service as every client does: with a nonce unless a flow's session has proved the service, and for identity
 * coding, because a receipt covers the uncoded body.
 *
 * @throws BlockcloudError as `netRequest` does; `NET_CODING` for a coding that was not requested. TypeError
 *   for a request that HTTP cannot express.
 */
export async function callService(
  call: ServiceCall,
  limits: NetLimits,
  signal: AbortSignal,
  resolve?: Resolve,
): Promise<CalledService> {
  const { method, body, nonce, over } = call;
  const base = over === undefined ? call.endpoint : `http://${over.host}`;
  const url = targetOf(base, call.path);
  const asked = { ...call.headers, "accept-encoding": "identity" };
  const headers = nonce === undefined ? asked : { ...asked, [NONCE_HEADER]: nonce };
  const response = await netRequest(
    { method, url, headers, body, ...(over !== undefined && { over: over.flow }) },
    limits,
    signal,
    resolve,
  );
  const coding = response.headers["content-encoding"] ?? "identity";
  if (coding.toLowerCase() !== "identity") {
    throw new BlockcloudError(
      "NET_CODING",
      "The response is coded, although no coding was requested.",
    );
  }
  const receipt = response.headers[RECEIPT_HEADER] ?? response.trailers[RECEIPT_HEADER];
  return {
    response,
    receipt: typeof receipt === "string" ? receipt : undefined,
    channel: () =>
      httpChannel({
        method,
        target: url.pathname + url.search,
        requestDigest: sha256(body),
        status: response.status,
        responseDigest: sha256(response.body),
      }),
  };
}

/**
 * Appends a path to the endpoint's own path and host, without the endpoint's credentials and query.
 *
 * @throws BlockcloudError `NET_REFUSED` if the path leaves the endpoint's path by dot segments, plain or
 *   encoded: it may belong to another tenant of the host.
 */
function targetOf(endpoint: string, path: string): URL {
  const { protocol, host, pathname } = new URL(endpoint);
  const base = pathname.replace(/\/+$/, "");
  const url = new URL(`${protocol}//${host}${base}${path}`);
  if (base !== "" && !url.pathname.startsWith(`${base}/`)) {
    throw new BlockcloudError("NET_REFUSED", "The path leaves the endpoint's path.");
  }
  return url;
}
