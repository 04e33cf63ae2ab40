import type { IncomingMessage } from "node:http";
import { RECEIPT_HEADER } from "../../protocol/receipt.ts";
import { endToEnd } from "./hopByHop.ts";

/** Fields that a client must know before the body, or that only the gateway may set (RFC 9110, 6.5.1). */
const NOT_IN_TRAILERS = new Set([
  "age",
  "authorization",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expires",
  "host",
  "location",
  "pragma",
  "retry-after",
  "set-cookie",
  "vary",
  "via",
  "warning",
  "www-authenticate",
  RECEIPT_HEADER,
]);

const isHeadOnly = (name: string) => NOT_IN_TRAILERS.has(name);

/** Whether a client reads trailers. HTTP/1.0 has none. */
export function takesTrailers(request: IncomingMessage): boolean {
  const { te } = request.headers;
  if (te === undefined || request.httpVersion !== "1.1") return false;
  const codings = String(te)
    .split(",")
    .map((coding) => coding.trim().toLowerCase());
  return codings.includes("trailers");
}

/** The names of trailers that a response announces, for the client. */
export function announcedTrailers(answer: IncomingMessage): string[] {
  const names = (answer.headers.trailer ?? "").split(",").map((name) => name.trim());
  const fields = names
    .filter((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name))
    .flatMap((name) => [name, ""]);
  return endToEnd(fields, isHeadOnly).filter((_, at) => at % 2 === 0);
}

/** The trailers of a response that was read to its end, as pairs of name and value. */
export function trailersOf(answer: IncomingMessage): [string, string][] {
  const fields = endToEnd(answer.rawTrailers, isHeadOnly);
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    pairs.push([fields[at] ?? "", fields[at + 1] ?? ""]);
  }
  return pairs;
}
