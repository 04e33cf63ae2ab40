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
 * @param drop - Further names to leave out, in lower case.
 */
export function endToEnd(rawHeaders: readonly string[], drop: ReadonlySet<string>): string[] {
  const named = namedByConnection(rawHeaders);
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || named.has(key) || drop.has(key)) continue;
    kept.push(name, rawHeaders[i + 1] ?? "");
  }
  return kept;
}

/** Names that a message's own Connection fields declare hop-by-hop. */
function namedByConnection(rawHeaders: readonly string[]): Set<string> {
  const named = new Set<string>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== "connection") continue;
    for (const token of rawHeaders[i + 1]?.split(",") ?? []) {
      named.add(token.trim().toLowerCase());
    }
  }
  return named;
}
