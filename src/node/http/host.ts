import { isIPv6 } from "node:net";

/**
 * A name or an address with an optional port, as a client's Host field, a request's target or a proxy's
 * X-Forwarded-Host may give it. RFC 3986 allows more characters than DNS names have; servers behind this one
 * would put them into links, or read a list.
 */
const AUTHORITY = /^(?:[\w.-]{1,255}|\[([0-9a-f:.]{2,45})\])(?::(\d{0,5}))?$/i;

/** Whether a text is a host with an optional port. */
export function isAuthority(text: string): boolean {
  const found = AUTHORITY.exec(text);
  if (found === null) return false;
  const [, v6, port = ""] = found;
  return Number(port) <= 65_535 && (v6 === undefined || isIPv6(v6));
}

/**
 * The Host of a request; undefined if there is none or an empty one; `"refused"` for several or a malformed one
 * (RFC 9112, 3.2). Two servers could choose different ones.
 *
 * @param rawHeaders Alternating names and values, as `IncomingMessage.rawHeaders`. Its `headers` have only the
 *   first Host.
 */
export function hostOf(rawHeaders: readonly string[]): { host: string | undefined } | "refused" {
  let host: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (name.length !== 4 || name.toLowerCase() !== "host") continue;
    const value = rawHeaders[i + 1] ?? "";
    if (host !== undefined || (value !== "" && !isAuthority(value))) return "refused";
    host = value;
  }
  return { host: host === "" ? undefined : host };
}
