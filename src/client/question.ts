import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import { bytesToHex } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { isNonce } from "../protocol/receipt.ts";

/** Options of `fetch`: those of a standard request, and those of services. */
export interface ServiceRequestInit {
  /** Default GET. */
  method?: string;
  headers?: NonNullable<RequestInit["headers"]>;
  /** The whole body is read before it is sent, because the receipt covers all of it. */
  body?: NonNullable<RequestInit["body"]> | null;
  signal?: AbortSignal;
  /** The nonce of the receipt, 0x and 64 hexadecimal digits; default random. */
  nonce?: Hex;
  /** Time limit for lookup and all endpoints, milliseconds; default: the client's. */
  timeMs?: number;
  /** Size limit of the response body, bytes; default: the client's. */
  maxBytes?: number;
}

/** A request in the form in which it is sent. */
export interface Question {
  /** Upper case. */
  method: string;
  headers: Record<string, string>;
  body: Uint8Array;
  nonce: Hex;
  /** Whether it may be sent again, because it is idempotent (RFC 9110, 9.2.2). */
  repeatable: boolean;
}

/** Fields of the connection or of this client, which the caller cannot set; `fetch` ignores them, too. */
const OWN_FIELDS =
  /^(accept-encoding|connection|content-length|expect|host|keep-alive|proxy-.*|service-nonce|te|trailer|transfer-encoding|upgrade)$/;
const REPEATABLE: readonly string[] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];

/**
 * Converts a request to the form in which HTTP sends it.
 *
 * @throws BlockcloudError `NONCE_MALFORMED`. TypeError of `new Request` for an impossible request.
 */
export async function writeQuestion(init: ServiceRequestInit): Promise<Question> {
  const { nonce = bytesToHex(randomBytes(32)), body } = init;
  if (!isNonce(nonce)) {
    throw new BlockcloudError("NONCE_MALFORMED", `Not a nonce: ${String(nonce).slice(0, 80)}.`, {
      remedy: "Give 0x and 64 hexadecimal digits, or leave it out.",
    });
  }
  // Normalizes method, header fields and every kind of body.
  const request = new Request("http://service/", {
    method: init.method ?? "GET",
    headers: init.headers ?? {},
    ...(body !== undefined && { body, duplex: "half" }),
  });
  const headers: Record<string, string> = {};
  request.headers.forEach((value, name) => {
    if (!OWN_FIELDS.test(name)) headers[name] = value;
  });
  return {
    method: request.method,
    headers,
    body: new Uint8Array(await request.arrayBuffer()),
    nonce: nonce.toLowerCase() as Hex,
    repeatable: REPEATABLE.includes(request.method),
  };
}
