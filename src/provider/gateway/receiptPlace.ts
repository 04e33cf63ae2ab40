import type { KnownFields } from "../../node/http/client/responseHead.ts";

/**
 * The place of a response's receipt.
 * - `none`: the client sent no nonce; the body streams through.
 * - `empty`: in the header; there is no body.
 * - `buffered`: in the header; the body is read first.
 * - `trailer`: after a body that streams.
 */
export type ReceiptPlace = "none" | "empty" | "buffered" | "trailer";

export interface ResponseHead {
  method: string;
  status: number;
  headers: KnownFields;
}

/** Chooses the place from the head of the upstream's response, before the body arrives. */
export function receiptPlace(
  answer: ResponseHead,
  withNonce: boolean,
  maxBufferedBytes: number,
): ReceiptPlace {
  if (!withNonce) return "none";
  if (isBodiless(answer)) return "empty";
  if (isEventStream(answer.headers)) return "trailer";
  const length = answer.headers["content-length"];
  return length !== undefined && Number(length) <= maxBufferedBytes ? "buffered" : "trailer";
}

/** Whether a response has no body, regardless of its header (RFC 9112, 6.3). */
export function isBodiless({ method, status }: ResponseHead): boolean {
  return method === "HEAD" || status < 200 || status === 204 || status === 304;
}

/** Server-sent events: a response that may be silent for long and never ends by itself. */
export function isEventStream(headers: KnownFields): boolean {
  return /^\s*text\/event-stream\s*(;|$)/i.test(headers["content-type"] ?? "");
}
