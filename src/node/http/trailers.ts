import type { IncomingMessage } from "node:http";
import { endToEnd } from "./hopByHop.ts";

/** Fields that a client must know before the body (RFC 9110, 6.5.1). */
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
]);

/** Whether to leave out a further field; as for {@link endToEnd}. */
type IsDropped = (name: string) => boolean;
const keepAll: IsDropped = () => false;

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
export function announcedTrailers(
  answer: { headers: { trailer?: string | undefined } },
  isDropped: IsDropped = keepAll,
): string[] {
  const names = (answer.headers.trailer ?? "").split(",").map((name) => name.trim());
  const fields = names
    .filter((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name))
    .flatMap((name) => [name, ""]);
  return allowed(fields, isDropped).filter((_, at) => at % 2 === 0);
}

/** The trailers of a response that was read to its end, as pairs of name and value. */
export function trailersOf(
  answer: Pick<IncomingMessage, "rawTrailers">,
  isDropped: IsDropped = keepAll,
): [string, string][] {
  const fields = allowed(answer.rawTrailers, isDropped);
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    pairs.push([fields[at] ?? "", fields[at + 1] ?? ""]);
  }
  return pairs;
}

function allowed(fields: readonly string[], isDropped: IsDropped): string[] {
  return endToEnd(fields, (name) => NOT_IN_TRAILERS.has(name) || isDropped(name));
}
