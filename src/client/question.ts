import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import { bytesToHex } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { isNonce } from "../protocol/receipt.ts";

/** What `fetch` takes of a standard request, and what is a service's own. */
export interface ServiceRequestInit {
  /** GET if not said. */
  method?: string;
  headers?: NonNullable<RequestInit["headers"]>;
  /** Read whole before it is sent: a receipt is over all of it. */
  body?: NonNullable<RequestInit["body"]> | null;
  signal?: AbortSignal;
  /** What the receipt must answer, 0x and 64 hexadecimal digits; random if not said. */
  nonce?: Hex;
  /** The most time for everything, milliseconds; the client's if not said. */
  timeMs?: number;
  /** The longest response body, bytes; the client's if not said. */
  maxBytes?: number;
}

/** A request as it goes to an endpoint. */
export interface Question {
  /** Upper case. */
  method: string;
  headers: Record<string, string>;
  body: Uint8Array;
  nonce: Hex;
  /** Whether it may be sent again: it means the same however often it arrives (RFC 9110, 9.2.2). */
  repeatable: boolean;
}

/** Fields that are the connection's or this client's, not the caller's; `fetch` ignores such, too. */
const OWN_FIELDS =
  /^(accept-encoding|connection|content-length|expect|host|keep-alive|proxy-.*|service-nonce|te|trailer|transfer-encoding|upgrade)$/;
const REPEATABLE: readonly string[] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];

/**
 * Writes a request as HTTP sends it.
 *
 * @throws BlockcloudError `NONCE_MALFORMED`. TypeError as `new Request` does, for one that there cannot be.
 */
export async function writeQuestion(init: ServiceRequestInit): Promise<Question> {
  const { nonce = bytesToHex(randomBytes(32)), body } = init;
  if (!isNonce(nonce)) {
    throw new BlockcloudError("NONCE_MALFORMED", `Not a nonce: ${String(nonce).slice(0, 80)}.`, {
      remedy: "Give 0x and 64 hexadecimal digits, or leave it out.",
    });
  }
  // Brings method, header fields and every kind of body into the form that HTTP has for them.
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
