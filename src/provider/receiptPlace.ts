import type { IncomingHttpHeaders } from "node:http";

/**
 * Where the receipt of an answer stands.
 * - `none`: the client sent no nonce; the body streams through.
 * - `empty`: in the header; there is no body.
 * - `buffered`: in the header; the body is read first.
 * - `trailer`: after a body that streams.
 */
export type ReceiptPlace = "none" | "empty" | "buffered" | "trailer";

export interface AnswerHead {
  method: string;
  status: number;
  headers: IncomingHttpHeaders;
}

/** Decides it from the head of the upstream's answer, before any of the body is here. */
export function receiptPlace(
  answer: AnswerHead,
  withNonce: boolean,
  maxBufferedBytes: number,
): ReceiptPlace {
  if (!withNonce) return "none";
  if (isBodiless(answer)) return "empty";
  if (isEventStream(answer.headers)) return "trailer";
  const length = answer.headers["content-length"];
  return length !== undefined && Number(length) <= maxBufferedBytes ? "buffered" : "trailer";
}

/** Whether an answer has no body whatever its header says (RFC 9112, 6.3). */
export function isBodiless({ method, status }: AnswerHead): boolean {
  return method === "HEAD" || status < 200 || status === 204 || status === 304;
}

/** Server-sent events: an answer that is meant to be silent for long and never to end. */
export function isEventStream(headers: IncomingHttpHeaders): boolean {
  return /^\s*text\/event-stream\s*(;|$)/i.test(headers["content-type"] ?? "");
}
