import { isAuthority } from "./host.ts";

/** The parts of a request's target (RFC 9112, 3.2). */
export interface Target {
  /** Path and query as the client sent them. The upstream is asked for them, and a receipt covers them. */
  origin: string;
  /** The authority of an absolute-form target, which replaces the Host field. */
  authority: string | undefined;
}

/**
 * Reads a target in origin form, or in absolute form, which clients use for a proxy and every server must
 * accept.
 *
 * @returns Undefined for the other forms, `*` and the authority of a CONNECT, and for a target with a fragment.
 */
export function readTarget(method: string, url: string): Target | undefined {
  // A target has no fragment (RFC 9112, 3.2), and servers disagree on where the path of one ends.
  if (url.includes("#")) return undefined;
  if (url.startsWith("/")) return { origin: url, authority: undefined };
  const [, authority, rest = ""] = /^https?:\/\/([^/?]*)(.*)$/i.exec(url) ?? [];
  if (authority === undefined || !isAuthority(authority)) return undefined;
  // It means OPTIONS * (RFC 9112, 3.2.4).
  if (rest === "" && method === "OPTIONS") return undefined;
  return { origin: rest.startsWith("/") ? rest : `/${rest}`, authority };
}
