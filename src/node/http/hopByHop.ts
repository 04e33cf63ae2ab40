/**
 * Fields that apply to one connection only (RFC 9110, 7.6.1), and the two that frame a message. Each side
 * frames its own messages, so that no ambiguity about lengths is forwarded.
 */
const HOP_BY_HOP = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * The fields of a message for the next hop, with order, duplicates and spelling preserved.
 *
 * @param rawHeaders - Alternating names and values, as `IncomingMessage.rawHeaders`.
 * @param isDropped - Whether to leave out a further name, in lower case and with `-` for every other character
 *   than letters and digits: servers behind the upstream commonly read `X_Forwarded_For` as `X-Forwarded-For`.
 */
export function endToEnd(
  rawHeaders: readonly string[],
  isDropped: (name: string) => boolean,
): string[] {
  const named = namedByConnection(rawHeaders);
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const lower = name.toLowerCase();
    const key = ODD.test(lower) ? lower.replace(EACH_ODD, "-") : lower;
    if (HOP_BY_HOP.has(key) || named?.has(lower) === true || isDropped(key)) continue;
    kept.push(name, rawHeaders[i + 1] ?? "");
  }
  return kept;
}

const ODD = /[^a-z0-9-]/;
const EACH_ODD = /[^a-z0-9-]/g;

/** Names that a message's own Connection fields declare hop-by-hop. */
function namedByConnection(rawHeaders: readonly string[]): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (name.length !== 10 || name.toLowerCase() !== "connection") continue;
    for (const token of rawHeaders[i + 1]?.split(",") ?? []) {
      named ??= new Set();
      named.add(token.trim().toLowerCase());
    }
  }
  return named;
}
