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
  const kept: string[] = [];
  let named: Set<string> | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const key = keyOf(name);
    if (HOP_BY_HOP.has(key)) {
      if (key === "connection") named = withNamed(named, rawHeaders[i + 1] ?? "");
      continue;
    }
    if (!isDropped(key)) kept.push(name, rawHeaders[i + 1] ?? "");
  }
  return named === undefined ? kept : withoutNamed(kept, named);
}

const ODD = /[^a-z0-9-]/;
const EACH_ODD = /[^a-z0-9-]/g;

/** The keys of names as they were spelt: the same few come with each message. */
const keys = new Map<string, string>();
/** How many names are kept, and how long they may be; a stranger can invent any number. */
const MAX_KEYS = 512;
const MAX_KEY_CHARACTERS = 64;

/** A name in lower case, with `-` for every other character than letters and digits. */
function keyOf(name: string): string {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const key = ODD.test(lower) ? lower.replace(EACH_ODD, "-") : lower;
  if (keys.size < MAX_KEYS && name.length <= MAX_KEY_CHARACTERS) keys.set(name, key);
  return key;
}

/** Adds the names that a message's Connection field declares hop-by-hop, if others than usual. */
function withNamed(named: Set<string> | undefined, value: string): Set<string> | undefined {
  for (const token of value.split(",")) {
    const name = token.trim().toLowerCase();
    // As "keep-alive" in most messages: such a field is never kept.
    if (HOP_BY_HOP.has(name)) continue;
    named ??= new Set();
    named.add(name);
  }
  return named;
}

function withoutNamed(fields: readonly string[], named: ReadonlySet<string>): string[] {
  return fields.filter((_, at) => !named.has((fields[at - (at % 2)] ?? "").toLowerCase()));
}
